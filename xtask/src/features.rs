//! The library crates, each without features and with each of its features alone.

use anyhow::Result;
use cargo_metadata::{MetadataCommand, Package, Target};
use xshell::Shell;

pub(crate) struct Build {
    pub(crate) package: String,
    pub(crate) feature: Option<String>,
}

/// All builds that must work separately, because a user can select exactly these features.
pub(crate) fn builds(shell: &Shell) -> Result<Vec<Build>> {
    let metadata = MetadataCommand::new().no_deps().current_dir(shell.current_dir()).exec()?;
    let libraries = metadata.packages.iter().filter(|package| is_library(package));
    Ok(libraries.flat_map(builds_of).collect())
}

fn is_library(package: &Package) -> bool {
    package.targets.iter().any(Target::is_lib)
}

fn builds_of(package: &Package) -> Vec<Build> {
    let features = package.features.keys().filter(|feature| *feature != "default");
    std::iter::once(None)
        .chain(features.cloned().map(Some))
        .map(|feature| Build { package: package.name.to_string(), feature })
        .collect()
}
