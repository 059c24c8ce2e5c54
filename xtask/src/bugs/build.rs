//! Builds the test programs of suites in the copy.

use std::collections::{BTreeSet, HashMap};
use std::process::Command;

use anyhow::{Context, Result};

use super::copy::Copy;
use super::suite::Suite;
use crate::programs::{self, Program};

/// Test programs by package and target.
pub(super) struct Programs(HashMap<(String, String), Program>);

impl Programs {
    pub(super) fn of(&self, suite: &Suite) -> Result<&Program> {
        let key = (suite.package.to_owned(), suite.target.to_owned());
        self.0.get(&key).with_context(|| format!("{} has no test {}", suite.package, suite.target))
    }
}

pub(super) fn build<'a>(copy: &Copy, suites: impl Iterator<Item = &'a Suite>) -> Result<Programs> {
    let tests: BTreeSet<_> =
        suites.filter(|suite| !suite.is_unit()).map(|suite| suite.target).collect();
    let mut command = Command::new("cargo");
    // The features of the whole workspace, so that no suite needs its dependencies built again.
    command.args(["test", "--no-run", "--quiet", "--workspace", "--all-features", "--lib"]);
    command.args(tests.into_iter().flat_map(|test| ["--test", test]));
    command.current_dir(&copy.folder).env("CARGO_TARGET_DIR", &copy.target);
    let programs = programs::build(&mut command)?.into_iter();
    let named =
        programs.map(|program| ((program.package.clone(), program.target.clone()), program));
    Ok(Programs(named.collect()))
}
