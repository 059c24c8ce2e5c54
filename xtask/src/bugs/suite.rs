//! A suite: one test program, run until its first failure.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::programs::Program;
use crate::scratch;

/// A suite that takes longer is reported as hanging. Most take seconds.
const LONGEST: Duration = Duration::from_secs(300);

/// The name of a test program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    pub(super) target: &'static str,
}

/// The result of a suite.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Every test passed.
    Passed,
    /// This test failed.
    Failed(String),
    /// No result in time. A hang has many causes, so it does not count as noticing a bug.
    Hung,
}

impl Suite {
    /// Whether it is the unit tests of the package.
    pub(super) fn is_unit(&self) -> bool {
        self.target == self.package.replace('-', "_")
    }

    /// Runs the tests whose names contain `filter`, up to the first failure.
    pub(super) fn run(&self, program: &Program, filter: &str) -> Result<Verdict> {
        let mut tests = program.command();
        tests.arg(filter);
        // A killed program leaves its files behind.
        let scratch = scratch::directory()?;
        tests.env("TMPDIR", scratch.path());
        let mut tests =
            tests.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let verdict = lines(&mut tests).and_then(|lines| verdict(&lines));
        // The servers of the tests end with them.
        tests.kill()?;
        tests.wait()?;
        verdict.with_context(|| self.name.to_owned())
    }
}

/// The lines that the program prints.
fn lines(tests: &mut Child) -> Result<Receiver<String>> {
    let stdout = tests.stdout.take().context("the output is not piped")?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut printed = BufReader::new(stdout).lines().map_while(Result::ok);
        printed.all(|line| sender.send(line).is_ok())
    });
    Ok(lines)
}

/// Only a failed test counts: a program that could not run proves nothing.
fn verdict(lines: &Receiver<String>) -> Result<Verdict> {
    let deadline = Instant::now() + LONGEST;
    loop {
        let line = match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return Ok(Verdict::Hung),
            Err(RecvTimeoutError::Disconnected) => bail!("the program ended without a result"),
        };
        let test = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"));
        if let Some(test) = test {
            return Ok(Verdict::Failed(test.trim_end().to_owned()));
        }
        if line.starts_with("test result: ok. 0 passed") {
            bail!("no test matches the filter");
        }
        if line.starts_with("test result: ok.") {
            return Ok(Verdict::Passed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::{Verdict, verdict};

    fn of(lines: &[&str]) -> Option<Verdict> {
        let (sender, printed) = mpsc::channel();
        lines.iter().for_each(|line| sender.send((*line).to_owned()).unwrap());
        drop(sender);
        verdict(&printed).ok()
    }

    #[test]
    fn only_a_failed_test_counts() {
        let failed = ["running 2 tests", "test a::b ... ok", "test a::c ... FAILED"];
        assert_eq!(of(&failed), Some(Verdict::Failed("a::c".to_owned())));
        let green = ["test a::b ... ok", "test result: ok. 1 passed; 0 failed; 0 ignored"];
        assert_eq!(of(&green), Some(Verdict::Passed));
        assert_eq!(of(&["test result: ok. 0 passed; 0 failed; 0 ignored"]), None);
        assert_eq!(of(&["running 2 tests", "test a::b ... ok"]), None);
    }
}
