//! The commands of this repository, for a person and for CI: `cargo xtask <command>`.

mod bench;
mod ci;
mod features;
mod servers;
mod step;
mod tally;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use xshell::Shell;

/// The commands of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Run every test of the workspace
    Test,
    /// Run every benchmark of the workspace
    Bench {
        /// What the benchmarks are given, such as a filter or `--save-baseline main`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run all that must pass before a change is merged
    Ci,
}

fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    match task {
        Task::Test => test::run(&shell),
        Task::Bench { args } => bench::run(&shell, &args),
        Task::Ci => ci::run(&shell),
    }
}
