//! One step of a command, with its heading and its duration, and the warnings of a run.

use std::env;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};

static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Runs `work` under a heading. The error contains the name of the step.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("\n==> {name}");
    let start = Instant::now();
    work().with_context(|| format!("the step `{name}` failed"))?;
    eprintln!("<== {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Reports a check that is skipped.
pub(crate) fn skip(check: &str, reason: &str) {
    warn(format!("skipped {check}: {reason}"));
}

/// Reports what does not fail a run. The forge shows it as a warning on the page of the run.
pub(crate) fn warn(message: String) {
    eprintln!("{message}");
    if env::var_os("GITHUB_ACTIONS").is_some() {
        println!("::warning::{message}");
    }
    WARNINGS.lock().unwrap_or_else(PoisonError::into_inner).push(message);
}

/// Repeats the warnings at the end of a run, because the output between them is long.
pub(crate) fn print_warnings() {
    for message in WARNINGS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        eprintln!("{message}");
    }
}
