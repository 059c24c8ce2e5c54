//! The published crates, checked with the compilers of their `rust-version`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::Package;
use cargo_metadata::semver::Version;
use xshell::{Shell, cmd};

use crate::step::skip;

/// Checks each crate with the oldest compiler that it promises, and with all features that this compiler can build.
pub(crate) fn check(shell: &Shell, published: &[&Package], target: &Path) -> Result<()> {
    // A folder of its own, because each compiler would replace the files of the other.
    let target = target.join("compilers");
    let mut packages: BTreeMap<&Version, Vec<&Package>> = BTreeMap::new();
    for package in published {
        let version = package.rust_version.as_ref();
        let version =
            version.with_context(|| format!("{}: add rust-version", package.manifest_path))?;
        packages.entry(version).or_default().push(package);
    }
    let newer = Newer(published);
    for (version, packages) in packages {
        let toolchain = version.to_string();
        if !install(shell, &toolchain) {
            skip(&format!("the crates with Rust {toolchain}"), "it cannot be installed by rustup");
            continue;
        }
        let features: Vec<String> =
            packages.iter().flat_map(|package| newer.features(package, version)).collect();
        let packages = packages.iter().flat_map(|it| ["--package", it.name.as_str()]);
        let check = cmd!(shell, "rustup run {toolchain} cargo check --quiet --locked");
        let check = check.arg("--target-dir").arg(&target).args(packages);
        check.args(["--features", &features.join(",")]).run()?;
    }
    Ok(())
}

/// Returns whether the compiler is installed now.
fn install(shell: &Shell, toolchain: &str) -> bool {
    let install = cmd!(shell, "rustup toolchain install --profile minimal {toolchain}");
    install.quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

/// The crates that may need a newer compiler than others.
struct Newer<'a>(&'a [&'a Package]);

impl Newer<'_> {
    /// Returns the features of a crate that enable no crate with a newer `rust-version`.
    fn features(&self, package: &Package, version: &Version) -> Vec<String> {
        let features = package.features.keys();
        let features = features.filter(|feature| !self.needs_newer(package, feature, version));
        features.map(|feature| format!("{}/{feature}", package.name)).collect()
    }

    fn needs_newer(&self, package: &Package, feature: &str, version: &Version) -> bool {
        package.features.get(feature).into_iter().flatten().any(|enabled| {
            match enabled.strip_prefix("dep:") {
                Some(dependency) => self.is_newer(dependency, version),
                None => self.needs_newer(package, enabled, version),
            }
        })
    }

    fn is_newer(&self, name: &str, version: &Version) -> bool {
        let package = self.0.iter().find(|package| package.name.as_str() == name);
        package.is_some_and(|package| package.rust_version.as_ref() > Some(version))
    }
}

#[cfg(test)]
mod tests {
    use cargo_metadata::MetadataCommand;

    use super::*;

    #[test]
    fn a_feature_that_needs_a_newer_compiler_is_omitted() {
        let metadata = MetadataCommand::new().no_deps().exec().unwrap();
        let packages: Vec<&Package> = metadata.packages.iter().collect();
        let axum = *packages.iter().find(|it| it.name.as_str() == "idem-axum").unwrap();
        let newer = Newer(&packages);
        let oldest = axum.rust_version.as_ref().unwrap();
        let features = newer.features(axum, oldest);
        assert_eq!(features, ["idem-axum/redis", "idem-axum/redis-tls"]);
        let all = newer.features(axum, &Version::new(9999, 0, 0));
        assert_eq!(all.len(), axum.features.len());
    }
}
