//! One build for all plants: each is chosen when a test program starts.

use std::collections::{BTreeSet, HashMap};
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cargo_metadata::camino::Utf8PathBuf;
use cargo_metadata::{Artifact, Message, MetadataCommand};
use xshell::{Shell, cmd};

use super::suite::Suite;

/// The test programs of a build.
#[derive(Default)]
pub(super) struct Built(HashMap<(String, String), Program>);

/// A test program, and the folder that it expects to be started in.
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) folder: PathBuf,
}

impl Built {
    pub(super) fn of(&self, suite: &Suite) -> Result<&Program> {
        let key = (suite.package.to_owned(), suite.target.to_owned());
        self.0.get(&key).with_context(|| format!("{} has no test {}", suite.package, suite.target))
    }
}

/// Builds the test programs of `suites` with what `--cfg idem_planted` adds, beside all other builds.
pub(super) fn build(shell: &Shell, suites: &[Suite]) -> Result<Built> {
    let metadata = MetadataCommand::new().no_deps().current_dir(shell.current_dir()).exec()?;
    let target = metadata.target_directory.join("planted");
    let packages: BTreeSet<_> = suites.iter().map(|suite| suite.package).collect();
    let packages = packages.into_iter().flat_map(|package| ["--package", package]);
    let tests = suites.iter().filter(|suite| !suite.is_unit());
    let tests: BTreeSet<_> = tests.map(|suite| suite.target).collect();
    let tests = tests.into_iter().flat_map(|test| ["--test", test]);
    let command = cmd!(shell, "cargo test --no-run --all-features --lib --target-dir {target}")
        .args(["--message-format", "json-render-diagnostics"])
        .args(packages)
        .args(tests)
        .env("RUSTFLAGS", "--cfg idem_planted");
    eprintln!("$ {command}");
    let mut child = Command::from(command).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("the output is not piped")?;
    let mut built = Built::default();
    for message in Message::parse_stream(BufReader::new(stdout)) {
        if let Message::CompilerArtifact(artifact) = message? {
            built.0.extend(program(artifact));
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "the build ended with {status}");
    Ok(built)
}

/// What a package builds is known by the name of its folder, which is its own.
fn program(artifact: Artifact) -> Option<((String, String), Program)> {
    let path = artifact.executable.filter(|_| artifact.profile.test)?.into();
    let folder: Utf8PathBuf = artifact.manifest_path.parent()?.to_owned();
    let package = folder.file_name()?.to_owned();
    Some(((package, artifact.target.name), Program { path, folder: folder.into() }))
}
