//! `cargo xtask ci`

use anyhow::Result;
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::bugs;
use crate::features::{Build, builds};
use crate::peers;
use crate::prose;
use crate::release_check;
use crate::step::{skip, step};
use crate::test::{self, Group, Selection, Tally};

/// A part of the run, for jobs that run in parallel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Format, language, lints and documentation
    Check,
    /// Each crate with each feature alone
    Features,
    /// Licences of dependencies, and the packages
    Release,
    /// The tests on the memory store, and the doc tests
    Core,
    /// The tests on the other stores, except for those of whole processes
    Stores,
    /// The tests that kill, pause and restart whole processes
    Process,
}

/// Runs one part, or all of them.
pub(crate) fn run(shell: &Shell, part: Option<Part>) -> Result<()> {
    match part {
        None => {
            check(shell)?;
            features(shell)?;
            release(shell)?;
            test::run(shell, &Selection::everything())
        }
        Some(Part::Check) => check(shell),
        Some(Part::Features) => features(shell),
        Some(Part::Release) => release(shell),
        Some(Part::Core) => {
            test::run(shell, &Selection::group(Group::Core))?;
            test::docs(shell, &mut Tally::default())
        }
        Some(Part::Stores) => test::run(shell, &Selection::group(Group::Stores)),
        Some(Part::Process) => test::run(shell, &Selection::group(Group::Process)),
    }
}

fn check(shell: &Shell) -> Result<()> {
    step("format", || Ok(cmd!(shell, "cargo fmt --all --check").run()?))?;
    step("peers", || peers::check(shell))?;
    step("bugs", || bugs::check(shell))?;
    step("prose", || prose::check(&shell.current_dir()))?;
    step("clippy", || {
        let clippy = cmd!(shell, "cargo clippy --workspace --all-features --all-targets");
        Ok(clippy.args(["--", "-D", "warnings"]).run()?)
    })?;
    step("docs", || {
        let doc = cmd!(shell, "cargo doc --workspace --all-features --no-deps");
        Ok(doc.env("RUSTDOCFLAGS", "-D warnings").run()?)
    })
}

fn features(shell: &Shell) -> Result<()> {
    step("features", || builds(shell)?.iter().try_for_each(|build| check_build(shell, build)))
}

fn release(shell: &Shell) -> Result<()> {
    step("dependencies", || deny(shell))?;
    step("release", || release_check::run(shell, false))
}

fn check_build(shell: &Shell, Build { package, target, feature }: &Build) -> Result<()> {
    let features = feature.iter().flat_map(|feature| ["--features", feature]);
    // Clippy, because it checks and can deny the warnings of one crate alone.
    let check = cmd!(shell, "cargo clippy --package {package} {target} --no-default-features");
    Ok(check.args(features).args(["--", "-D", "warnings"]).run()?)
}

/// Licences, bans and sources only: an advisory turns up without a change here, so it must not
/// stop one.
fn deny(shell: &Shell) -> Result<()> {
    let version = cmd!(shell, "cargo deny --version").quiet().ignore_stdout().ignore_stderr();
    if version.run().is_err() {
        skip("the licences, bans and sources of dependencies", "cargo-deny is not installed");
        return Ok(());
    }
    Ok(cmd!(shell, "cargo deny check bans licenses sources").run()?)
}
