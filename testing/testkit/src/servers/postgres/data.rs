//! The data directory of a new server: a copy of one that `initdb` made earlier.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::program::server_program;
use crate::servers::process::{User, directory, own, run_as};

const ARGS: [&str; 6] = [
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
    "--no-instructions",
];

/// The directory that all servers copy, also those of other test programs. It stays in the directory for temporary files.
static TEMPLATE: LazyLock<Result<PathBuf, String>> = LazyLock::new(template);

/// The user that runs the server.
pub(super) fn user() -> Result<Option<User>, String> {
    User::unprivileged("postgres")
}

/// Creates the data directory `data`, which must not exist.
pub(super) fn create(data: &Path) -> Result<(), String> {
    let template = TEMPLATE.as_ref().map_err(String::clone)?;
    run(Command::new("cp").arg("-a").args([template, data]))
}

fn template() -> Result<PathBuf, String> {
    let version = Command::new(server_program("postgres")).arg("--version").output();
    let version = version.map_err(|error| format!("`postgres --version`: {error}"))?.stdout;
    let user = user()?;
    let mut hash = DefaultHasher::new();
    (version, ARGS, user.map(|user| user.uid), nix::unistd::geteuid().as_raw()).hash(&mut hash);
    let template = std::env::temp_dir().join(format!("idem-postgres-{:016x}", hash.finish()));
    if !template.exists() {
        let made = directory();
        own(made.path(), user).map_err(|error| error.to_string())?;
        let data = made.path().join("data");
        let mut init = Command::new(server_program("initdb"));
        run(run_as(user, &mut init).args(ARGS).arg("--pgdata").arg(&data).current_dir("/"))?;
        // Another program may have made it meanwhile.
        if let Err(error) = fs::rename(data, &template)
            && !template.exists()
        {
            return Err(format!("{}: {error}", template.display()));
        }
    }
    Ok(template)
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
