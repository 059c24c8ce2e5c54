//! `cargo xtask test`

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::servers;
use crate::step::step;
use crate::tally::Tally;

pub(crate) fn run(shell: &Shell) -> Result<()> {
    let mut tally = Tally::default();
    step("servers", || servers::install(shell))?;
    step("tests", || {
        count(
            cmd!(shell, "cargo test --workspace --all-features --lib --bins --tests --examples"),
            &mut tally,
        )
    })?;
    step("compile errors", || {
        count(cmd!(shell, "cargo test -p idem-axum -p idem-actix --test ui"), &mut tally)
    })?;
    step("doc tests", || {
        count(cmd!(shell, "cargo test --workspace --all-features --doc"), &mut tally)
    })?;
    println!("\n{tally}");
    ensure!(tally.passed > 0, "no test ran");
    Ok(())
}

/// Runs a test command, prints its output and adds up its results.
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
