//! `cargo xtask release-check`: the published crates, as the registry would receive them.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{MetadataCommand, Package};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::compilers;
use crate::step::skip;

/// Every package must contain these as real files, because a symbolic link leads nowhere outside of
/// the repository.
const FILES: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// What no text may contain when its version is published. The registry shows it as long as the version exists.
const UNPUBLISHED: [&str; 4] = ["not published yet", "--git ", "git = \"", "path = \"../idem"];

pub(crate) fn run(shell: &Shell, publish: bool) -> Result<()> {
    let metadata = MetadataCommand::new().no_deps().current_dir(shell.current_dir()).exec()?;
    let target = metadata.target_directory.as_std_path();
    let published: Vec<&Package> = metadata.packages.iter().filter(|it| is_published(it)).collect();
    published.iter().try_for_each(|package| check_docs_rs(package))?;
    if publish {
        check_install_texts(shell)?;
    }
    compilers::check(shell, &published, target)?;
    fetch(shell)?;
    package(shell, &published)?;
    let folder = target.join("release-check");
    shell.remove_path(&folder)?;
    shell.create_dir(&folder)?;
    for package in &published {
        let archive = target.join(format!("package/{}.crate", folder_of(package)));
        cmd!(shell, "tar -xzf {archive} -C {folder}").run()?;
        check_files(&folder.join(folder_of(package)))?;
    }
    build(shell, &folder, &published, target)?;
    compare_with_last_release(shell)
}

pub(crate) fn is_published(package: &Package) -> bool {
    package.publish.as_ref().is_none_or(|registries| !registries.is_empty())
}

/// The folder in the package's archive.
fn folder_of(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}

/// Without this, docs.rs shows no item that needs a feature.
fn check_docs_rs(package: &Package) -> Result<()> {
    let all_features = package.metadata.pointer("/docs/rs/all-features");
    ensure!(
        all_features == Some(&Value::Bool(true)),
        "{}: add `all-features = true` to [package.metadata.docs.rs]",
        package.manifest_path
    );
    Ok(())
}

/// Fails with all places that still tell a user to install from the repository.
fn check_install_texts(shell: &Shell) -> Result<()> {
    let mut places = Vec::new();
    for file in cmd!(shell, "git ls-files *README.md docs/*.md").read()?.lines() {
        for (line, number) in shell.read_file(file)?.lines().zip(1..) {
            if UNPUBLISHED.iter().any(|text| line.contains(text)) {
                places.push(format!("{file}:{number}: {line}"));
            }
        }
    }
    let places = places.join("\n");
    ensure!(places.is_empty(), "these lines must tell how to install from the registry:\n{places}");
    Ok(())
}

/// Downloads the dependencies of this platform. `build` works offline, so that it uses the versions in `Cargo.lock`.
fn fetch(shell: &Shell) -> Result<()> {
    let host = cmd!(shell, "rustc --print host-tuple").read()?;
    Ok(cmd!(shell, "cargo fetch --locked --target {host}").run()?)
}

fn package(shell: &Shell, published: &[&Package]) -> Result<()> {
    let packages = published.iter().flat_map(|it| ["--package", it.name.as_str()]);
    // `build` compiles all of them together, which takes much less time than each alone.
    let package = cmd!(shell, "cargo package --quiet --allow-dirty --no-verify").args(packages);
    Ok(package.run()?)
}

fn check_files(package: &Path) -> Result<()> {
    for name in FILES {
        let path = package.join(name);
        let file = path.symlink_metadata();
        let file = file.with_context(|| format!("{} is not in the package", path.display()))?;
        ensure!(file.is_file() && file.len() > 0, "{} must be a file", path.display());
    }
    Ok(())
}

/// Checks all packages from their packaged files, in a workspace that contains nothing else. The
/// dependencies are those that the repository has built already, as far as their features agree.
fn build(shell: &Shell, folder: &Path, published: &[&Package], target: &Path) -> Result<()> {
    let lock = shell.current_dir().join("Cargo.lock");
    shell.copy_file(lock, folder)?;
    shell.write_file(folder.join("Cargo.toml"), workspace(published)?)?;
    let _inside = shell.push_dir(folder);
    let check = cmd!(shell, "cargo check --quiet --offline --workspace --all-features");
    Ok(check.arg("--target-dir").arg(target).run()?)
}

/// The manifest of a workspace in which the packages use each other instead of the registry.
fn workspace(published: &[&Package]) -> Result<String> {
    let members: Vec<String> = published.iter().map(|it| folder_of(it)).collect();
    let members = serde_json::to_string(&members)?;
    let patch = |it: &&Package| format!("{} = {{ path = \"{}\" }}\n", it.name, folder_of(it));
    let patches: String = published.iter().map(patch).collect();
    // The profile of the repository, so that its dependencies need no second build.
    Ok(format!(
        "[profile.dev]\ndebug = \"line-tables-only\"\n\n[workspace]\nresolver = \"3\"\nmembers = {members}\n\n[patch.crates-io]\n{patches}"
    ))
}

/// Compares the public items with those of the last tag. Before the first release, no tag exists.
fn compare_with_last_release(shell: &Shell) -> Result<()> {
    let tag = cmd!(shell, "git describe --tags --abbrev=0 --match v*").quiet().ignore_stderr();
    let Ok(tag) = tag.read() else {
        skip("the comparison with the last release", "no tag `v*` exists");
        return Ok(());
    };
    let version = cmd!(shell, "cargo semver-checks --version").quiet().ignore_stdout();
    if version.ignore_stderr().run().is_err() {
        skip(&format!("the comparison with {tag}"), "cargo-semver-checks is not installed");
        return Ok(());
    }
    Ok(cmd!(shell, "cargo semver-checks --workspace --baseline-rev {tag}").run()?)
}
