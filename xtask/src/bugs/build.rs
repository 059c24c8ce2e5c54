//! Builds the test programs of suites in the copy.

use std::collections::{BTreeSet, HashMap};
use std::io::BufReader;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Artifact, Message};

use super::copy::Copy;
use super::suite::{Program, Suite};

/// Test programs by package and target.
#[derive(Default)]
pub(super) struct Programs(HashMap<(String, String), Program>);

impl Programs {
    pub(super) fn of(&self, suite: &Suite) -> Result<&Program> {
        let key = (suite.package.to_owned(), suite.target.to_owned());
        self.0.get(&key).with_context(|| format!("{} has no test {}", suite.package, suite.target))
    }
}

pub(super) fn build<'a>(
    copy: &Copy,
    suites: impl Iterator<Item = &'a Suite> + Clone,
) -> Result<Programs> {
    let packages: BTreeSet<_> = suites.clone().map(|suite| suite.package).collect();
    let tests: BTreeSet<_> =
        suites.filter(|suite| !suite.is_unit()).map(|suite| suite.target).collect();
    let mut command = Command::new("cargo");
    command.args(["test", "--no-run", "--quiet", "--all-features", "--lib"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    command.args(packages.into_iter().flat_map(|package| ["--package", package]));
    command.args(tests.into_iter().flat_map(|test| ["--test", test]));
    command.current_dir(&copy.folder).env("CARGO_TARGET_DIR", &copy.target);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("the output is not piped")?;
    let mut programs = Programs::default();
    for message in Message::parse_stream(BufReader::new(stdout)) {
        if let Message::CompilerArtifact(artifact) = message? {
            programs.0.extend(program(artifact));
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "the build ended with {status}");
    Ok(programs)
}

/// A package's folder has the package's name, except for the prefix `idem-` of what is under `testing/`.
fn program(artifact: Artifact) -> Option<((String, String), Program)> {
    let path = artifact.executable.filter(|_| artifact.profile.test)?.into();
    let folder = artifact.manifest_path.parent()?.to_owned();
    let package = folder.file_name()?.to_owned();
    Some(((package, artifact.target.name), Program { path, folder: folder.into() }))
}
