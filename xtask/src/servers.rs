//! The database servers that tests start for themselves.

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// Installs what is missing, where `apt-get` can. The packages start services of their own, which no test
/// uses.
pub(crate) fn install(shell: &Shell) -> Result<()> {
    let found = |program: &str| cmd!(shell, "{program} --version").quiet().ignore_stdout().run();
    if found("redis-server").is_ok() && found("redis-cli").is_ok() {
        return Ok(());
    }
    let install = || -> Result<()> {
        cmd!(shell, "apt-get update").run()?;
        Ok(cmd!(shell, "apt-get install --yes --no-install-recommends redis-server").run()?)
    };
    install().context("Redis is missing; `apt-get install redis-server` as root installs it")
}
