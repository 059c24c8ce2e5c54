//! The tests that a call of the command runs.

use std::collections::BTreeSet;

use anyhow::Result;
use cargo_metadata::{MetadataCommand, Package, Target};
use clap::Args;
use xshell::Shell;

/// The packages whose tests need no server and no file, except for the targets in [`ON_STORES`].
const ON_MEMORY: [&str; 8] = [
    "idem-core",
    "idem-macros",
    "idem-client",
    "idem-conformance",
    "idem-tower",
    "idem-axum",
    "idem-actix",
    "xtask",
];
const ON_STORES: [&str; 4] = ["http_redis", "http_postgres", "http_sqlite", "transaction"];

/// The other packages whose tests start none of the programs that `xtask/src/servers.rs` installs. Some use files.
const WITHOUT_SERVERS: [&str; 5] =
    ["idem-sqlite", "lost-answers", "recovery", "reverse-proxy", "ui"];

/// A part of the tests. Each test program belongs to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// The tests on the memory store.
    Core,
    /// The tests on the other stores, except for those of whole processes.
    Stores,
    /// The tests that kill, pause and restart whole processes.
    Process,
}

impl Group {
    pub(super) fn of(package: &str, target: &str) -> Self {
        match package {
            "testbed" => Self::Process,
            _ if ON_MEMORY.contains(&package) && !ON_STORES.contains(&target) => Self::Core,
            _ => Self::Stores,
        }
    }
}

#[derive(Args)]
pub(crate) struct Selection {
    /// Only the tests on the memory store: core, macros, client, and the adapters
    #[arg(long)]
    quick: bool,
    #[arg(skip)]
    group: Option<Group>,
    /// Only test programs whose package or name contains one of these words
    #[arg(value_name = "WORD")]
    words: Vec<String>,
}

impl Selection {
    pub(crate) fn everything() -> Self {
        Self { quick: false, group: None, words: Vec::new() }
    }

    pub(crate) fn group(group: Group) -> Self {
        Self { group: Some(group), ..Self::everything() }
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.selected().is_none() && self.words.is_empty()
    }

    /// Whether one of the selected programs starts a server.
    pub(crate) fn needs_servers(&self, shell: &Shell) -> Result<bool> {
        let packages = packages(shell)?;
        Ok(packages.iter().any(|package| {
            self.programs(package).any(|target| starts_servers(folder(package), &target.name))
        }))
    }

    fn selected(&self) -> Option<Group> {
        if self.quick { Some(Group::Core) } else { self.group }
    }

    pub(crate) fn includes(&self, package: &str, target: &str) -> bool {
        let is_named = |word: &String| package.contains(&**word) || target.contains(&**word);
        self.selected().is_none_or(|group| group == Group::of(package, target))
            && (self.words.is_empty() || self.words.iter().any(is_named))
    }

    /// The arguments that select the targets to build.
    pub(crate) fn targets(&self, shell: &Shell) -> Result<Vec<String>> {
        let args = ["--lib", "--bins", "--examples"];
        if self.is_everything() {
            return Ok([&args[..], &["--tests"]].concat().into_iter().map(String::from).collect());
        }
        let packages = packages(shell)?;
        let programs = packages.iter().flat_map(|package| self.programs(package));
        // A set, because all libraries have the same flag.
        let flags: BTreeSet<_> = programs.filter_map(flag).collect();
        Ok(flags.into_iter().flatten().collect())
    }

    /// The selected test programs of a package. A benchmark is not one.
    fn programs<'a>(&self, package: &'a Package) -> impl Iterator<Item = &'a Target> {
        let programs = package.targets.iter().filter(|target| flag(target).is_some());
        programs.filter(move |target| self.includes(folder(package), &target.name))
    }
}

fn packages(shell: &Shell) -> Result<Vec<Package>> {
    let metadata = MetadataCommand::new().no_deps().current_dir(shell.current_dir()).exec()?;
    Ok(metadata.packages)
}

fn starts_servers(package: &str, target: &str) -> bool {
    Group::of(package, target) != Group::Core
        && target != "http_sqlite"
        && !WITHOUT_SERVERS.contains(&package)
}

/// The name of the package's folder, as [`Program`](crate::programs::Program) has it.
fn folder(package: &Package) -> &str {
    package.manifest_path.parent().and_then(|folder| folder.file_name()).unwrap_or_default()
}

/// The flag that selects a target, with its value if it has one.
fn flag(target: &Target) -> Option<Vec<String>> {
    let named = |flag: &str| vec![flag.to_owned(), target.name.clone()];
    if target.is_test() {
        Some(named("--test"))
    } else if target.is_bin() {
        Some(named("--bin"))
    } else {
        (target.is_lib() || target.is_proc_macro()).then(|| vec!["--lib".to_owned()])
    }
}

#[cfg(test)]
mod tests {
    use xshell::Shell;

    use super::{Group, Selection};

    fn words(words: &[&str]) -> Selection {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Selection { words, ..Selection::everything() }
    }

    #[test]
    fn words_match_packages_and_programs() {
        let selection = words(&["redis", "engine"]);
        assert!(selection.includes("idem-redis", "faults"));
        assert!(selection.includes("idem-axum", "http_redis"));
        assert!(selection.includes("idem-core", "engine"));
        assert!(!selection.includes("idem-core", "model"));
    }

    #[test]
    fn quick_leaves_out_what_needs_a_server() {
        let selection = Selection { quick: true, ..Selection::everything() };
        assert!(selection.includes("idem-axum", "http"));
        assert!(!selection.includes("idem-axum", "http_redis"));
        assert!(!selection.includes("idem-postgres", "conformance"));
    }

    #[test]
    fn servers_are_needed_only_by_programs_that_start_them() {
        let shell = Shell::new().expect("the current directory");
        let quick = Selection { quick: true, ..Selection::everything() };
        for (name, selection, expected) in [
            ("everything", Selection::everything(), true),
            ("quick", quick, false),
            ("core", Selection::group(Group::Core), false),
            ("stores", Selection::group(Group::Stores), true),
            // Also the name of a benchmark in `testing/bench`, which is not a test program.
            ("engine", words(&["engine"]), false),
            ("idem-sqlite and http_sqlite", words(&["idem-sqlite", "http_sqlite"]), false),
            ("idem-redis", words(&["idem-redis"]), true),
            ("engine and http_redis", words(&["engine", "http_redis"]), true),
            ("faults", words(&["faults"]), true),
        ] {
            let needs = selection.needs_servers(&shell).expect("the packages of the workspace");
            assert_eq!(needs, expected, "{name}");
        }
    }

    #[test]
    fn each_program_is_in_one_group() {
        let groups = [Group::Core, Group::Stores, Group::Process].map(Selection::group);
        for (package, target) in [
            ("idem-core", "engine"),
            ("idem-axum", "http_redis"),
            ("testbed", "process"),
            ("payments-axum", "charges_once"),
        ] {
            let including = groups.iter().filter(|group| group.includes(package, target));
            assert_eq!(including.count(), 1, "{package} {target}");
        }
    }
}
