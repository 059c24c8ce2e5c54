//! The libraries and the published programs, each without features and with each of its features alone.

use anyhow::Result;
use cargo_metadata::{MetadataCommand, Package, Target};
use xshell::Shell;

use crate::release_check::is_published;

/// The features of programs that are built alone. The others need one of these stores.
const STORES: [&str; 3] = ["postgres", "redis", "sqlite"];

pub(crate) struct Build {
    pub(crate) package: String,
    /// `--lib` or `--bins`
    pub(crate) target: &'static str,
    pub(crate) feature: Option<String>,
}

/// All builds that must work separately, because a user can select exactly these features.
pub(crate) fn builds(shell: &Shell) -> Result<Vec<Build>> {
    let metadata = MetadataCommand::new().no_deps().current_dir(shell.current_dir()).exec()?;
    // The examples are left out, because their few features select stores of the adapters.
    let packages = metadata.packages.iter().filter(|it| is_library(it) || is_published(it));
    Ok(packages.flat_map(builds_of).collect())
}

fn is_library(package: &Package) -> bool {
    package.targets.iter().any(Target::is_lib)
}

fn builds_of(package: &Package) -> Vec<Build> {
    let is_library = is_library(package);
    let target = if is_library { "--lib" } else { "--bins" };
    let features = package.features.keys().filter(|feature| *feature != "default");
    let alone = features.filter(|feature| is_library || STORES.contains(&feature.as_str()));
    let without = is_library.then_some(None);
    without
        .into_iter()
        .chain(alone.cloned().map(Some))
        .map(|feature| Build { package: package.name.to_string(), target, feature })
        .collect()
}
