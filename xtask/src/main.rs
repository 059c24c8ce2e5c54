//! The commands of this repository, for a person and for CI: `cargo xtask <command>`.

mod bench;
mod bugs;
mod cargo_env;
mod ci;
mod compilers;
mod features;
mod nightly;
mod peers;
mod programs;
mod prose;
mod release_check;
mod scratch;
mod servers;
mod step;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use xshell::Shell;

/// The commands of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Run the tests of the workspace
    Test(#[command(flatten)] test::Selection),
    /// Run every benchmark of the workspace, or print the tables of the guide
    Bench(#[command(flatten)] bench::Options),
    /// Inject known bugs one by one, and print which suites notice them
    Bugs {
        /// Only these bugs, by their names in `xtask/src/bugs/list.rs`
        #[arg(long)]
        bug: Vec<String>,
    },
    /// Run the checks that take too long for every change
    Nightly {
        /// Only these parts
        parts: Vec<nightly::Part>,
        /// How long each run with random faults lasts, in seconds
        #[arg(long, default_value_t = 3600)]
        chaos_seconds: u64,
        /// Only a part of the mutants: the number of the part, from 0, and the number of parts
        #[arg(long, value_name = "K/N")]
        mutants_shard: Option<String>,
    },
    /// Check the language of all texts, and the links between them
    Prose {
        /// Print counts instead, and never fail
        #[arg(long)]
        counts: bool,
        /// Check another checkout, such as an older one for comparison
        #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.."))]
        repo: PathBuf,
    },
    /// Package the published crates, and build them from their packaged files
    ReleaseCheck {
        /// Also check that the texts tell users to install from the registry
        #[arg(long)]
        publish: bool,
    },
    /// Run everything that must pass before a change is merged
    Ci {
        /// Only this part
        part: Option<ci::Part>,
    },
}

fn main() -> ExitCode {
    let task = Task::parse();
    cargo_env::leave();
    let result = run(task);
    step::print_warnings();
    match result {
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
        Task::Test(selection) => test::run(&shell, &selection),
        Task::Bench(options) => bench::run(&shell, &options),
        Task::Bugs { bug } => bugs::run(&shell, &bug),
        Task::Nightly { parts, chaos_seconds, mutants_shard } => {
            nightly::run(&shell, &parts, chaos_seconds, mutants_shard.as_deref())
        }
        Task::Prose { counts: true, repo } => prose::counts(&repo),
        Task::Prose { counts: false, repo } => prose::check(&repo),
        Task::ReleaseCheck { publish } => release_check::run(&shell, publish),
        Task::Ci { part } => ci::run(&shell, part),
    }
}
