//! A suite: one test program, run until it finds something.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::build::Program;

/// A suite that takes longer hangs. Most take seconds, and what they do has watchdogs of its own.
const LONGEST: Duration = Duration::from_secs(300);

/// A test program.
#[derive(PartialEq)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    pub(super) target: &'static str,
}

/// What a suite says.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// All is well.
    Green,
    /// This test failed.
    Caught(String),
    /// Nothing, for too long. That may mean anything, so it counts for nothing.
    Hung,
}

impl Suite {
    /// Whether it is the unit tests of the package.
    pub(super) fn is_unit(&self) -> bool {
        self.target == self.package.replace('-', "_")
    }

    /// Runs the tests whose names contain `filter`, up to the first that fails.
    pub(super) fn look(
        &self,
        program: &Program,
        filter: &str,
        plant: Option<&str>,
    ) -> Result<Verdict> {
        let mut tests = Command::new(&program.path);
        tests.arg(filter).current_dir(&program.folder).env_remove("IDEM_PLANTED");
        tests.envs(plant.map(|plant| ("IDEM_PLANTED", plant)));
        // What is cut off does not tidy up. Some servers run as users of their own.
        let for_all = Permissions::from_mode(0o755);
        let scratch =
            tempfile::Builder::new().prefix("idem-planted-").permissions(for_all).tempdir()?;
        tests.env("TMPDIR", scratch.path());
        let mut tests =
            tests.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let verdict = lines(&mut tests).and_then(|lines| verdict(&lines));
        // Its servers end with it, however it ends.
        tests.kill()?;
        tests.wait()?;
        verdict.with_context(|| format!("{} on {plant:?}", self.name))
    }
}

/// What the program prints, as it comes.
fn lines(tests: &mut Child) -> Result<Receiver<String>> {
    let stdout = tests.stdout.take().context("the output is not piped")?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut printed = BufReader::new(stdout).lines().map_while(Result::ok);
        printed.all(|line| sender.send(line).is_ok())
    });
    Ok(lines)
}

/// Only a test that failed has found something: a program that could not run says nothing.
fn verdict(lines: &Receiver<String>) -> Result<Verdict> {
    let deadline = Instant::now() + LONGEST;
    loop {
        let line = match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return Ok(Verdict::Hung),
            Err(RecvTimeoutError::Disconnected) => bail!("it ended without a verdict"),
        };
        let test = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"));
        if let Some(test) = test {
            return Ok(Verdict::Caught(test.trim_end().to_owned()));
        }
        if line.starts_with("test result: ok. 0 passed") {
            bail!("no test matches");
        }
        if line.starts_with("test result: ok.") {
            return Ok(Verdict::Green);
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
    fn only_a_failed_test_finds_something() {
        let failed = ["running 2 tests", "test a::b ... ok", "test a::c ... FAILED"];
        assert_eq!(of(&failed), Some(Verdict::Caught("a::c".to_owned())));
        let green = ["test a::b ... ok", "test result: ok. 1 passed; 0 failed; 0 ignored"];
        assert_eq!(of(&green), Some(Verdict::Green));
        assert_eq!(of(&["test result: ok. 0 passed; 0 failed; 0 ignored"]), None);
        assert_eq!(of(&["running 2 tests", "test a::b ... ok"]), None);
    }
}
