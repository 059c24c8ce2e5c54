//! Starts the example `payments-axum` as a process.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A running server. It is stopped when this handle is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Child,
    /// Kept open, because the server fails to print when its output is closed.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let program = program()?;
        let mut command = Command::new(&program);
        let process = command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn();
        let mut process = process.with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = process.stdout.take().context("the standard output is not piped")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("listening on http://");
        let address = address.with_context(|| {
            format!(
                "{} printed {line:?} instead of its address; its error is above",
                program.display()
            )
        })?;
        Ok(Self { address: address.parse()?, process, _stdout: stdout })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The errors are ignored: they mean that the server has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the path of `payments-axum`, which is in the same directory as this program. Builds it if it is
/// missing, because `cargo run -p lost-answers` builds only this program.
fn program() -> Result<PathBuf> {
    let this = env::current_exe().context("cannot find the path of this program")?;
    let directory = this.parent().context("the path of this program has no directory")?;
    let program = directory.join("payments-axum");
    if !program.exists() {
        build(directory)?;
    }
    Ok(program)
}

fn build(directory: &Path) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        Some("release") => "release",
        _ => "dev",
    };
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "payments-axum", "--profile", profile]);
    let status = command.status().context("cannot start cargo; build payments-axum first")?;
    ensure!(status.success(), "cannot build payments-axum; the error of cargo is above");
    Ok(())
}
