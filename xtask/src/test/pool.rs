//! Runs several test programs at a time. Most of them wait more than they compute.

use std::cmp::Reverse;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::selection::Group;
use super::tally::Tally;
use super::times::Times;
use crate::programs::Program;
use crate::scratch;
use crate::step::warn;

/// A program that runs for longer is killed and reported as hanging. The slowest takes five minutes.
const LONGEST: Duration = Duration::from_secs(1200);

/// The tests of some programs run on more threads than cores, because most of them wait.
const THREADS_PER_CORE: usize = 4;

/// The programs with servers whose tests sleep until leases end.
const SLEEPING: [(&str, &str); 3] =
    [("docs", "example_store"), ("idem-redis", "conformance"), ("idem-redis", "topology")];

/// The number of programs in the list of the slowest.
const SLOWEST: usize = 10;

struct Finished {
    name: String,
    status: Option<ExitStatus>,
    duration: Duration,
    output: String,
}

/// Runs all programs, the slowest first. Prints the output of those that fail.
pub(super) fn run(mut programs: Vec<Program>, tally: &mut Tally) -> Result<()> {
    let mut times = Times::read()?;
    programs.sort_by_key(|program| Reverse(times.of(&name(program))));
    let (total, cores) = (programs.len(), thread::available_parallelism()?.get());
    let queue = Mutex::new(programs.into_iter());
    let next = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let scratch = scratch::directory()?;
    let (sender, finished) = mpsc::channel();
    let mut failed = Vec::new();
    let mut slowest = Vec::new();
    thread::scope(|scope| -> Result<()> {
        // One program per core: with more, the servers that they start have too little time to reply.
        for _ in 0..cores {
            let (sender, next, scratch) = (sender.clone(), &next, scratch.path());
            scope.spawn(move || {
                // The receiver is gone after an error, which ends the run.
                while let Some(program) = next()
                    && sender.send(run_one(&program, scratch)).is_ok()
                {}
            });
        }
        drop(sender);
        for (count, program) in finished.iter().enumerate() {
            let program = program?;
            report(&program, &format!("{}/{total}", count + 1), tally);
            if !program.status.is_some_and(|status| status.success()) {
                failed.push(program.name.clone());
            }
            slowest.push((program.duration, program.name.clone()));
            times.set(program.name, program.duration);
        }
        Ok(())
    })?;
    slowest.sort_by_key(|(duration, _)| Reverse(*duration));
    println!("\nslowest programs:");
    for (duration, name) in slowest.iter().take(SLOWEST) {
        println!("{:>7.1} s  {name}", duration.as_secs_f64());
    }
    times.write()?;
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn name(program: &Program) -> String {
    format!("{} {}", program.package, program.target)
}

fn run_one(program: &Program, scratch: &Path) -> Result<Finished> {
    let name = name(program);
    let context = || format!("cannot run {name}");
    let file = tempfile::NamedTempFile::new()?;
    let output = || File::options().append(true).open(file.path());
    let started = Instant::now();
    let mut command = program.command();
    command.env("TMPDIR", scratch);
    // A program that builds has one core, as the others.
    command.env("CARGO_BUILD_JOBS", "1");
    if waits(&program.package, &program.target) {
        let threads = THREADS_PER_CORE * thread::available_parallelism()?.get();
        command.env("RUST_TEST_THREADS", threads.to_string());
    }
    command.stdin(Stdio::null()).stdout(output()?).stderr(output()?);
    let mut child = command.spawn().with_context(context)?;
    let status = wait(&mut child, started).with_context(context)?;
    let output = String::from_utf8_lossy(&fs::read(file.path())?).into_owned();
    Ok(Finished { duration: started.elapsed(), name, status, output })
}

/// Whether the tests of a program wait most of the time.
fn waits(package: &str, target: &str) -> bool {
    Group::of(package, target) == Group::Core || SLEEPING.contains(&(package, target))
}

/// Waits for the end of a program. Kills it if it takes too long.
fn wait(child: &mut Child, started: Instant) -> Result<Option<ExitStatus>> {
    while started.elapsed() < LONGEST {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn report(program: &Finished, count: &str, tally: &mut Tally) {
    let Finished { name, status, duration, output } = program;
    let mut own = Tally::default();
    for line in output.lines() {
        own.add(line);
        tally.add(line);
    }
    let seconds = duration.as_secs_f64();
    let result = match status {
        Some(status) if status.success() => own.to_string(),
        Some(status) => format!("FAILED with {status}"),
        None => {
            let tests = unfinished(output).join(", ");
            format!("HUNG and was killed after {} s in {tests}", LONGEST.as_secs())
        }
    };
    println!("{count:>7} {seconds:>7.1} s  {name}: {result}");
    for line in inconclusive(output) {
        warn(format!("{name}: {line}"));
    }
    if !status.is_some_and(|status| status.success()) {
        println!("{output}");
    }
}

/// The rules of the conformance suite that passed because the machine was too busy to judge the store.
fn inconclusive(output: &str) -> impl Iterator<Item = &str> {
    output.lines().filter(|line| line.starts_with("inconclusive: "))
}

/// The tests that the program reported as slow, and that did not end.
fn unfinished(output: &str) -> Vec<&str> {
    let tests = output.lines().filter_map(|line| line.strip_prefix("test "));
    let slow = tests.clone().filter_map(|line| line.split_once(" has been running for over "));
    let ended = |name: &str| {
        let result = format!("{name} ... ");
        tests.clone().any(|line| line.starts_with(&result))
    };
    slow.map(|(name, _)| name).filter(|name| !ended(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::{inconclusive, unfinished};

    #[test]
    fn a_hanging_test_is_named() {
        let output = "running 3 tests\n\
            test quick ... ok\n\
            test slow has been running for over 60 seconds\n\
            test stuck has been running for over 60 seconds\n\
            test slow ... ok\n";
        assert_eq!(unfinished(output), ["stuck"]);
    }

    #[test]
    fn an_inconclusive_rule_is_named() {
        let output = "test one ... \ninconclusive: no pass of one was quiet enough\nok\n";
        let lines: Vec<&str> = inconclusive(output).collect();
        assert_eq!(lines, ["inconclusive: no pass of one was quiet enough"]);
    }
}
