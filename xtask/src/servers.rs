//! The servers that tests start for themselves.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use nix::unistd::geteuid;
use xshell::{Cmd, Shell, cmd};

/// Programs, and the Debian packages that have them.
const NEEDED: [(&str, &str); 11] = [
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-server"),
    ("psql", "postgresql"),
    ("/usr/sbin/pgbouncer", "pgbouncer"),
    ("nats-server", "nats-server"),
    ("faketime", "faketime"),
    ("openssl", "openssl"),
    ("curl", "curl"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    // The checker of alert rules.
    ("promtool", "prometheus"),
];

/// Installs the missing programs with `apt-get`, if possible. The packages also start services. No test
/// uses these.
pub(crate) fn install(shell: &Shell) -> Result<()> {
    let needed = NEEDED.iter().filter(|(program, _)| !can_start(program));
    let mut missing: Vec<&str> = needed.map(|(_, package)| *package).collect();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    let install = || -> Result<()> {
        apt_get(shell).arg("update").run()?;
        let command = apt_get(shell).args(["install", "--yes", "--no-install-recommends"]);
        Ok(command.args(&missing).run()?)
    };
    install().with_context(|| {
        format!("servers are missing; `apt-get install {packages}` as root installs them")
    })
}

/// The command, with `sudo` for a user other than root, such as that of a CI runner.
fn apt_get(shell: &Shell) -> Cmd<'_> {
    if geteuid().is_root() { cmd!(shell, "apt-get") } else { cmd!(shell, "sudo apt-get") }
}

/// Whether a program can be started, whatever it replies: not every one has `--version`.
fn can_start(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}
