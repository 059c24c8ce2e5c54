//! `cargo xtask ci`

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::bugs;
use crate::features::{Build, builds};
use crate::prose;
use crate::release_check;
use crate::step::step;
use crate::test;

pub(crate) fn run(shell: &Shell) -> Result<()> {
    step("format", || Ok(cmd!(shell, "cargo fmt --all --check").run()?))?;
    step("bugs", || bugs::check(shell))?;
    step("prose", || prose::check(&shell.current_dir()))?;
    step("clippy", || {
        let clippy = cmd!(shell, "cargo clippy --workspace --all-features --all-targets");
        Ok(clippy.args(["--", "-D", "warnings"]).run()?)
    })?;
    step("docs", || {
        let doc = cmd!(shell, "cargo doc --workspace --all-features --no-deps");
        Ok(doc.env("RUSTDOCFLAGS", "-D warnings").run()?)
    })?;
    step("features", || builds(shell)?.iter().try_for_each(|build| check(shell, build)))?;
    step("dependencies", || deny(shell))?;
    step("release", || release_check::run(shell))?;
    test::run(shell, &test::Selection::everything())
}

fn check(shell: &Shell, Build { package, feature }: &Build) -> Result<()> {
    let features = feature.iter().flat_map(|feature| ["--features", feature]);
    // Clippy, because it checks and can deny the warnings of one crate alone.
    let check = cmd!(shell, "cargo clippy --package {package} --lib --no-default-features");
    Ok(check.args(features).args(["--", "-D", "warnings"]).run()?)
}

/// Licences, bans and sources only: an advisory turns up without a change here, so it must not
/// stop one.
fn deny(shell: &Shell) -> Result<()> {
    let version = cmd!(shell, "cargo deny --version").quiet().ignore_stdout().ignore_stderr();
    if version.run().is_err() {
        eprintln!("skipped: cargo-deny is not installed");
        return Ok(());
    }
    Ok(cmd!(shell, "cargo deny check bans licenses sources").run()?)
}
