//! The paths of the Postgres programs.

use std::path::{Path, PathBuf};

/// The directory of the server programs, if it is not that of the newest installed version.
const VARIABLE: &str = "POSTGRES_BIN";

/// Returns the path of a program of the server.
pub(super) fn server_program(name: &str) -> PathBuf {
    let chosen = std::env::var_os(VARIABLE).map(|directory| Path::new(&directory).join(name));
    chosen.unwrap_or_else(|| installed(name))
}

/// Returns the path of a program of the newest installed version. Debian installs each version in its own directory,
/// mostly outside of `PATH`.
pub(super) fn installed(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.max_by_key(|version| {
        version.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
    });
    let path = newest.map(|version| version.path().join("bin").join(name));
    path.filter(|path| path.exists()).unwrap_or_else(|| name.into())
}
