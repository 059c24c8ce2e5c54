//! Builds test programs, and starts them as `cargo test` would.

use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Artifact, Message};

/// A built test program.
pub(crate) struct Program {
    /// The folder name of its package, which is the package's name without the prefix `idem-` under `testing/`.
    pub(crate) package: String,
    pub(crate) target: String,
    path: PathBuf,
    folder: PathBuf,
}

impl Program {
    /// The command that starts the program. The path of the dynamic libraries is inherited: `cargo run` has set it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    fn of(artifact: Artifact) -> Option<Self> {
        let path = artifact.executable.filter(|_| artifact.profile.test)?.into();
        let folder = artifact.manifest_path.parent()?.to_owned();
        let package = folder.file_name()?.to_owned();
        Some(Self { package, target: artifact.target.name, path, folder: folder.into() })
    }
}

/// Runs a `cargo test --no-run` and returns the programs.
pub(crate) fn build(command: &mut Command) -> Result<Vec<Program>> {
    command.args(["--message-format", "json-render-diagnostics"]);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("the output is not piped")?;
    let mut programs = Vec::new();
    for message in Message::parse_stream(BufReader::new(stdout)) {
        if let Message::CompilerArtifact(artifact) = message? {
            programs.extend(Program::of(artifact));
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "the build ended with {status}");
    Ok(programs)
}
