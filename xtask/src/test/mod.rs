//! `cargo xtask test`

mod pool;
mod selection;
mod tally;
mod times;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::programs::{self, Program};
use crate::servers;
use crate::step::step;
pub(crate) use selection::{Group, Selection};
pub(crate) use tally::Tally;

pub(crate) fn run(shell: &Shell, selection: &Selection) -> Result<()> {
    let mut tally = Tally::default();
    if selection.needs_servers(shell)? {
        step("servers", || servers::install(shell))?;
    }
    let mut programs = Vec::new();
    step("build", || {
        programs = build(shell, selection)?;
        Ok(())
    })?;
    ensure!(!programs.is_empty(), "no test program has such a name");
    step("tests", || pool::run(programs, &mut tally))?;
    if selection.is_everything() {
        docs(shell, &mut tally)?;
    }
    println!("\n{tally}");
    ensure!(tally.passed > 0, "no test ran");
    Ok(())
}

/// Runs the examples in the documentation.
pub(crate) fn docs(shell: &Shell, tally: &mut Tally) -> Result<()> {
    step("doc tests", || count(cmd!(shell, "cargo test --workspace --all-features --doc"), tally))
}

/// Builds with the features of the whole workspace, so that no dependency is built twice.
fn build(shell: &Shell, selection: &Selection) -> Result<Vec<Program>> {
    let mut command = Command::new("cargo");
    command.args(["test", "--no-run", "--workspace", "--all-features"]);
    command.args(selection.targets(shell)?);
    let mut programs = programs::build(&mut command)?;
    programs.retain(|program| selection.includes(&program.package, &program.target));
    Ok(programs)
}

/// Runs a test command and adds up what it reports, line by line as it comes.
fn count(command: Cmd<'_>, tally: &mut Tally) -> Result<()> {
    eprintln!("$ {command}");
    let mut child = Command::from(command).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("the output is not piped")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        println!("{line}");
        tally.add(&line);
    }
    let status = child.wait()?;
    ensure!(status.success(), "the tests ended with {status}");
    Ok(())
}
