//! `cargo xtask nightly`: the checks that take too long for every change.

mod versions;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use cargo_metadata::MetadataCommand;
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::bugs;
use crate::servers;
use crate::step::step;

/// The last commit that writes version 1 of the record format.
const FORMAT_1: &str = "9a9e8a267c67eb226c93d0eede24ab500f2ae62a";

/// The names of mutants, which `.cargo/mutants.toml` lists, depend on the version.
const MUTANTS_VERSION: &str = "27.1.0";

/// A part of the nightly run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Random faults on every store
    Chaos,
    /// Processes of an earlier commit and of this one on one store, with random faults
    Rolling,
    /// The large state spaces of the model
    Model,
    /// The tests of the stores on other versions of their servers, as far as they are installed
    Versions,
    /// The injected bugs
    Bugs,
    /// Small changes of the core, each of which a test must notice
    Mutants,
}

/// Runs the given parts, or all of them. Each run with random faults lasts for `chaos_seconds`.
pub(crate) fn run(
    shell: &Shell,
    parts: &[Part],
    chaos_seconds: u64,
    mutants_shard: Option<&str>,
) -> Result<()> {
    let parts = if parts.is_empty() { Part::value_variants() } else { parts };
    if parts != [Part::Mutants] {
        step("servers", || servers::install(shell))?;
    }
    for part in parts {
        match part {
            Part::Chaos => step("chaos", || chaos(shell, chaos_seconds))?,
            Part::Rolling => step("rolling", || rolling(shell, chaos_seconds))?,
            Part::Model => step("model", || model(shell))?,
            Part::Versions => versions::run()?,
            Part::Bugs => bugs::run(shell, &[])?,
            Part::Mutants => step("mutants", || mutants(shell, mutants_shard))?,
        }
    }
    Ok(())
}

/// The processes of different tests would share the cores, so one test runs at a time.
fn chaos(shell: &Shell, seconds: u64) -> Result<()> {
    let test = cmd!(shell, "cargo test --workspace --all-features --test process --");
    let test = test.args(["chaos", "--skip", "rolling", "--test-threads", "1"]);
    Ok(test.env("CHAOS_SECONDS", seconds.to_string()).run()?)
}

fn rolling(shell: &Shell, seconds: u64) -> Result<()> {
    let earlier = earlier_testbed(shell)?;
    let test = cmd!(shell, "cargo test --workspace --all-features --test process --");
    let test = test.args(["rolling", "--test-threads", "1"]).env("EARLIER_PROGRAM", earlier);
    Ok(test.env("CHAOS_SECONDS", seconds.to_string()).run()?)
}

/// Builds the testbed of the earlier commit, in a checkout of its own under the target directory.
fn earlier_testbed(shell: &Shell) -> Result<PathBuf> {
    let root = shell.current_dir();
    let metadata = MetadataCommand::new().no_deps().current_dir(&root).exec()?;
    let home = metadata.target_directory.join("nightly").into_std_path_buf();
    let checkout = home.join("earlier");
    if !checkout.exists() {
        let known = cmd!(shell, "git cat-file -e {FORMAT_1}").ignore_stderr().run();
        ensure!(
            known.is_ok(),
            "the clone does not contain {FORMAT_1}; run `git fetch --unshallow`"
        );
        cmd!(shell, "git worktree prune").run()?;
        cmd!(shell, "git worktree add --detach {checkout} {FORMAT_1}").run()?;
    }
    let target = home.join("target");
    let _in_checkout = shell.push_dir(checkout);
    let build = cmd!(shell, "cargo build --package testbed --bin testbed-axum");
    build.env("CARGO_TARGET_DIR", &target).run()?;
    Ok(target.join("debug/testbed-axum"))
}

fn model(shell: &Shell) -> Result<()> {
    let test = cmd!(shell, "cargo test --release --package idem-core --all-features --test model");
    Ok(test.args(["--", "--ignored"]).run()?)
}

/// `.cargo/mutants.toml` lists the files, the tests and the accepted mutants. Every other mutant must be noticed.
fn mutants(shell: &Shell, shard: Option<&str>) -> Result<()> {
    let found = cmd!(shell, "cargo mutants --version").quiet().ignore_stdout().ignore_stderr();
    if found.run().is_err() {
        cmd!(shell, "cargo install --locked cargo-mutants@{MUTANTS_VERSION}").run()?;
    }
    let output = shell.current_dir().join("target/nightly");
    shell.create_dir(&output)?;
    // cargo-mutants looks for all tests in idem-core alone when it tests the unchanged code, so that is done here. If a
    // test failed without a change, every mutant would count as noticed.
    let unchanged = cmd!(shell, "cargo test --package idem-core --package idem-conformance");
    unchanged.args(["--all-features", "--lib", "--tests"]).run()?;
    let mutants = cmd!(shell, "cargo mutants --package idem-core --output {output}");
    let mutants = mutants.args(["--baseline", "skip", "--timeout", "300"]);
    let mutants = mutants.args(shard.iter().flat_map(|shard| ["--shard", shard]));
    // One mutant changes one function: an incremental build without debug information takes a few seconds.
    let mutants = mutants.env("CARGO_INCREMENTAL", "1").env("CARGO_PROFILE_DEV_DEBUG", "0");
    Ok(mutants.run()?)
}
