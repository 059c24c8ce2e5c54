//! One step of a command, with its heading and its duration.

use std::time::Instant;

use anyhow::{Context, Result};

/// Runs `work` under a heading. The error contains the name of the step.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("\n==> {name}");
    let start = Instant::now();
    work().with_context(|| format!("the step `{name}` failed"))?;
    eprintln!("<== {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
