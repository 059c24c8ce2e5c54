//! The workspace `testing/peers`, with the libraries that the benchmarks compare.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

const MANIFEST: &str = "testing/peers/Cargo.toml";

/// Builds the servers, and returns the path of their program.
pub(crate) fn build(shell: &Shell) -> Result<PathBuf> {
    check(shell)?;
    let target = shell.current_dir().join("target/peers");
    // One of the libraries declares a newer compiler than it needs.
    let build = cmd!(shell, "cargo build --release --locked --ignore-rust-version");
    build.args(["--manifest-path", MANIFEST]).env("CARGO_TARGET_DIR", &target).run()?;
    Ok(target.join("release/idem-peers"))
}

/// Checks the format, and that both workspaces use the same versions of the dependencies that they share. Otherwise a
/// comparison would measure these versions.
pub(crate) fn check(shell: &Shell) -> Result<()> {
    cmd!(shell, "cargo fmt --manifest-path {MANIFEST} --check").run()?;
    let [own, peers] = ["Cargo.lock", "testing/peers/Cargo.lock"].map(|file| shell.read_file(file));
    let differences = differences(&packages(&own?), &packages(&peers?));
    ensure!(
        differences.is_empty(),
        "testing/peers/Cargo.lock has other versions than Cargo.lock: {}. Copy Cargo.lock there, and run \
         `cargo update --workspace --manifest-path {MANIFEST}`",
        differences.join(", ")
    );
    Ok(())
}

/// A name and a version.
type Package<'a> = (&'a str, &'a str);

fn packages(lock: &str) -> Vec<Package<'_>> {
    let lines: Vec<&str> = lock.lines().collect();
    let pairs = lines.windows(2);
    pairs.filter_map(|pair| Some((value(pair[0], "name")?, value(pair[1], "version")?))).collect()
}

/// The text of a line `key = "text"`.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}

/// Returns the packages of the peers of which the other lock file has only other compatible versions.
fn differences(own: &[Package<'_>], peers: &[Package<'_>]) -> Vec<String> {
    let differs = |(name, version): &&Package<'_>| {
        let mut others = own.iter().filter(|other| other.0 == *name);
        let is_compatible = |other: &Package<'_>| series(other.1) == series(version);
        !own.contains(&(name, version)) && others.any(is_compatible)
    };
    peers.iter().filter(differs).map(|(name, version)| format!("{name} {version}")).collect()
}

/// The part of a version that compatible versions share.
fn series(version: &str) -> &str {
    let end = |parts: usize| {
        version.match_indices('.').nth(parts).map_or(version.len(), |(index, _)| index)
    };
    &version[..if version.starts_with("0.") { end(1) } else { end(0) }]
}

#[cfg(test)]
mod tests {
    use super::{differences, packages, series};

    const LOCK: &str = "[[package]]\nname = \"sha2\"\nversion = \"0.11.1\"\nsource = \"…\"\n\n\
                        [[package]]\nname = \"axum\"\nversion = \"0.8.9\"\ndependencies = [\n \"sha2\",\n]\n";

    #[test]
    fn packages_are_read_from_a_lock_file() {
        assert_eq!(packages(LOCK), [("sha2", "0.11.1"), ("axum", "0.8.9")]);
    }

    #[test]
    fn compatible_versions_share_a_series() {
        assert_eq!(["0.11.1", "1.54.1", "12.0.0"].map(series), ["0.11", "1", "12"]);
    }

    #[test]
    fn another_compatible_version_is_a_difference() {
        let own = [("tokio", "1.54.1"), ("sha2", "0.11.1")];
        let peers = [("tokio", "1.54.0"), ("sha2", "0.10.9"), ("cobs", "0.3.0")];
        assert_eq!(differences(&own, &peers), ["tokio 1.54.0"]);
        assert!(differences(&own, &own).is_empty());
    }
}
