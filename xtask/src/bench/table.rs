//! Builds the servers of this workspace and of the peers, and measures them in one run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xshell::Shell;

use super::Options;
use crate::peers;
use crate::programs;

pub(super) fn run(shell: &Shell, options: &Options) -> Result<()> {
    let peers = peers::build(shell)?;
    let bench = build(&shell.current_dir())?;
    let mut measure = match options.real_time {
        // No build runs with this priority, only the servers, their databases and the load.
        true => {
            let mut chrt = Command::new("chrt");
            chrt.args(["--fifo", "50"]).arg(bench.get_program());
            chrt
        }
        false => bench,
    };
    measure.arg("--peers").arg(peers).args(&options.args);
    if options.quick {
        // The first value of an option counts, so `--rounds` may also be among the arguments.
        measure.args(["--rounds", "1"]);
    }
    let status = measure.status().context("cannot start the benchmark")?;
    ensure!(status.success(), "the benchmark ended with {status}");
    Ok(())
}

fn build(root: &Path) -> Result<Command> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root);
    cargo.args(["bench", "--no-run", "--package", "idem-bench", "--bench", "table"]);
    let programs = programs::build(&mut cargo)?;
    let program = programs.first().context("cargo built no benchmark")?;
    Ok(program.command())
}
