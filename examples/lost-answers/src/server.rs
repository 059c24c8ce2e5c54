//! The payments example, as a process of its own.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The running server; ends with this handle.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Child,
    /// Kept open: a server whose output nobody reads any more would fail to print.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let program = program()?;
        let mut command = Command::new(&program);
        let mut process = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().context("the output is not piped")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("listening on http://");
        let address = address.with_context(|| format!("{} said {line:?}", program.display()))?;
        Ok(Self { address: address.parse()?, process, _stdout: stdout })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It holds nothing that outlives it, and there is nobody to tell if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// cargo puts the programs of a workspace beside each other, but builds those only that it is asked for.
fn program() -> Result<PathBuf> {
    let this = env::current_exe()?;
    let directory = this.parent().context("a program stands in a directory")?;
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
    ensure!(command.status()?.success(), "cannot build payments-axum");
    Ok(())
}
