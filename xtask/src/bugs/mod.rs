//! `cargo xtask bugs`: injects known bugs one by one, and shows which suites notice each of them.
//!
//! A suite that notices no bug proves nothing. Each bug is a set of text edits in a copy of the repository
//! under the target directory, so the sources themselves hold no trace of it.

mod build;
mod copy;
mod list;
mod suite;
mod table;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use xshell::Shell;

use crate::servers;
use crate::step::step;
use build::{Programs, build};
use copy::Copy;
use list::BUGS;
use suite::{Suite, Verdict};
use table::Table;

/// A known bug of other implementations.
pub(crate) struct Bug {
    name: &'static str,
    edits: &'static [Edit],
    /// The suites that look for the bug. A word selects the tests whose names contain it.
    looks: &'static [(Suite, &'static str)],
}

/// One text replacement, wherever `from` occurs in the file.
struct Edit {
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

/// Injects the bugs with these names one after the other, or all bugs if there is no name, and runs the suites.
pub(crate) fn run(shell: &Shell, names: &[String]) -> Result<()> {
    let is_chosen = |bug: &&Bug| names.is_empty() || names.iter().any(|name| name == bug.name);
    let bugs: Vec<_> = BUGS.iter().filter(is_chosen).collect();
    if let Some(name) = names.iter().find(|name| BUGS.iter().all(|bug| bug.name != **name)) {
        bail!("there is no bug {name}; the bugs are: {}", BUGS.map(|bug| bug.name).join(", "));
    }
    step("servers", || servers::install(shell))?;
    let copy = Copy::of(shell)?;
    step("without a bug", || passes(&copy, &bugs))?;
    let mut table = Table::default();
    for bug in &bugs {
        step(bug.name, || look_for(&copy, bug, &mut table))?;
    }
    println!("\n{table}");
    let unnoticed = table.unnoticed();
    ensure!(unnoticed.is_empty(), "no suite noticed {}", unnoticed.join(", "));
    Ok(())
}

/// Checks that every edit still finds the text that it replaces.
pub(crate) fn check(shell: &Shell) -> Result<()> {
    let root = shell.current_dir();
    let stale: Vec<_> = BUGS.iter().filter_map(|bug| bug.applied(&root).err()).collect();
    for error in &stale {
        eprintln!("{error:#}");
    }
    ensure!(stale.is_empty(), "adapt the edits in xtask/src/bugs/list.rs to the changed sources");
    Ok(())
}

impl Bug {
    /// The files that the bug changes, with their new text.
    fn applied(&self, root: &Path) -> Result<Vec<(&'static str, String)>> {
        let files: BTreeSet<_> = self.edits.iter().map(|edit| edit.file).collect();
        let applied = files.into_iter().map(|file| {
            let mut text = std::fs::read_to_string(root.join(file))?;
            for Edit { from, to, .. } in self.edits.iter().filter(|edit| edit.file == file) {
                ensure!(text.contains(from), "{}: {file} does not contain `{from}`", self.name);
                text = text.replace(from, to);
            }
            Ok((file, text))
        });
        applied.collect()
    }
}

/// A suite that fails without a bug would appear to notice every bug.
fn passes(copy: &Copy, bugs: &[&Bug]) -> Result<()> {
    let looks: BTreeSet<_> = bugs.iter().flat_map(|bug| bug.looks).collect();
    let programs = build(copy, looks.iter().map(|(suite, _)| suite))?;
    for (suite, filter) in looks {
        eprintln!("{} {filter}", suite.name);
        match suite.run(programs.of(suite)?, filter)? {
            Verdict::Passed => {}
            Verdict::Hung => bail!("{} {filter} hangs without a bug", suite.name),
            Verdict::Failed(test) => bail!("{}: {test} fails without a bug", suite.name),
        }
    }
    Ok(())
}

fn look_for(copy: &Copy, bug: &Bug, table: &mut Table) -> Result<()> {
    let _injected = copy.inject(bug)?;
    let programs: Programs = build(copy, bug.looks.iter().map(|(suite, _)| suite))?;
    for (suite, filter) in bug.looks {
        let verdict = suite.run(programs.of(suite)?, filter)?;
        eprintln!("{}: {verdict:?}", suite.name);
        table.put(bug.name, suite.name, verdict);
    }
    Ok(())
}
