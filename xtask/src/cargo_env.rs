//! Leaves the environment in which `cargo run` starts a program.

use std::env;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Restarts this program without the variables that describe its package.
///
/// Build scripts, such as that of `ring`, run again if these variables change. A build of `cargo xtask test` would otherwise
/// build again what `cargo test` has built, and the other way round. If the restart fails, because another call of cargo
/// has just replaced the program, it continues with these variables.
pub(crate) fn leave() {
    let names: Vec<_> =
        env::vars_os().map(|(name, _)| name).filter(|it| is_of_package(it)).collect();
    let Ok(program) = env::current_exe() else { return };
    if names.is_empty() {
        return;
    }
    let mut program = Command::new(program);
    program.args(env::args_os().skip(1));
    for name in names {
        program.env_remove(name);
    }
    drop(program.exec());
}

fn is_of_package(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"CARGO_PKG_") || name.starts_with(b"CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_cargo_remain() {
        for (name, expected) in [
            ("CARGO_PKG_NAME", true),
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_INCREMENTAL", false),
            ("CARGO_HOME", false),
            ("CARGO", false),
        ] {
            assert_eq!(is_of_package(OsStr::new(name)), expected, "{name}");
        }
    }
}
