//! The tests of the stores on each installed version of their servers.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::programs::{self, Program};
use crate::scratch;
use crate::step::step;

/// The test programs of both stores, and those of Postgres alone.
const TARGETS: [&str; 5] = ["conformance", "faults", "batched", "pooled", "transaction"];

/// A server, and the variable by which the tests of a store find it.
struct Server {
    package: &'static str,
    variable: &'static str,
    program: PathBuf,
    value: PathBuf,
}

pub(super) fn run() -> Result<()> {
    let servers = installed()?;
    ensure!(!servers.is_empty(), "neither Postgres nor Valkey is installed");
    let mut programs = Vec::new();
    step("build", || {
        let mut command = Command::new("cargo");
        command.args(["test", "--no-run", "--workspace", "--all-features"]);
        command.args(TARGETS.iter().flat_map(|target| ["--test", target]));
        programs = programs::build(&mut command)?;
        Ok(())
    })?;
    for server in servers {
        let of_store = programs.iter().filter(|program| program.package == server.package);
        for program in of_store {
            let name = format!("{} {} on {}", program.package, program.target, version(&server)?);
            step(&name, || test(program, &server))?;
        }
    }
    Ok(())
}

/// Postgres in the directories of Debian, and Valkey. The other tests run on Redis.
fn installed() -> Result<Vec<Server>> {
    let mut servers = Vec::new();
    for version in fs::read_dir("/usr/lib/postgresql").into_iter().flatten() {
        let (package, variable, value) =
            ("idem-postgres", "POSTGRES_BIN", version?.path().join("bin"));
        servers.push(Server { package, variable, program: value.join("postgres"), value });
    }
    let (package, variable, value) = ("idem-redis", "REDIS_SERVER", PathBuf::from("valkey-server"));
    servers.push(Server { package, variable, program: value.clone(), value });
    servers.retain(|server| version(server).is_ok());
    Ok(servers)
}

/// The version that the server prints.
fn version(server: &Server) -> Result<String> {
    let output = Command::new(&server.program).arg("--version").output();
    let output = output.with_context(|| format!("cannot run {}", server.program.display()))?;
    ensure!(output.status.success(), "{} has no version", server.program.display());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn test(program: &Program, server: &Server) -> Result<()> {
    let scratch = scratch::directory()?;
    let mut command = program.command();
    command.env(server.variable, &server.value).env("TMPDIR", scratch.path());
    let status = command.stdin(Stdio::null()).status()?;
    ensure!(status.success(), "the tests ended with {status}");
    Ok(())
}
