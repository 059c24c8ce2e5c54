//! `cargo xtask planted`: whether the suites find the bugs of `idem-core/src/planted.rs`.

mod build;
mod plants;
mod suite;
mod table;

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};
use xshell::Shell;

use crate::servers;
use crate::step::step;
use build::{Built, Program};
use plants::{PLANTS, Plant, SUITES};
use suite::Verdict;
use table::Table;

/// Plants one bug after the other, or only `plant`, and lets the suites look for it.
pub(crate) fn run(shell: &Shell, plant: Option<&str>) -> Result<()> {
    let plants: Vec<_> =
        PLANTS.iter().filter(|Plant { name, .. }| plant.is_none_or(|only| only == *name)).collect();
    let names = PLANTS.map(|plant| plant.name).join(", ");
    ensure!(!plants.is_empty(), "there is no such plant; these are there: {names}");
    let mut built = Built::default();
    step("servers", || servers::install(shell))?;
    step("build", || {
        built = build::build(shell, &SUITES)?;
        Ok(())
    })?;
    step("without a plant", || sound(&built, &plants))?;
    let mut table = Table::default();
    step("plants", || plants.iter().try_for_each(|plant| look_for(&built, plant, &mut table)))?;
    println!("\n{table}");
    let unnoticed = table.unnoticed();
    ensure!(unnoticed.is_empty(), "no suite noticed {}", unnoticed.join(", "));
    Ok(())
}

/// A suite that is red by itself would find every bug. All that any plant runs of it is run without one.
fn sound(built: &Built, plants: &[&Plant]) -> Result<()> {
    for suite in &SUITES {
        let looks = plants.iter().flat_map(|plant| plant.looks);
        let filters: BTreeSet<_> =
            looks.filter(|(by, _)| *by == suite).map(|(_, filter)| *filter).collect();
        for filter in filters {
            let program = built.of(suite)?;
            let name = format!("{} {filter}", suite.name);
            step(name.trim_end(), || green(program, suite.look(program, filter, None)?))?;
        }
    }
    Ok(())
}

fn green(program: &Program, verdict: Verdict) -> Result<()> {
    let (program, folder) = (program.path.display(), program.folder.display());
    match verdict {
        Verdict::Green => Ok(()),
        Verdict::Hung => bail!("it hangs without a plant: `{program}` in {folder}"),
        Verdict::Caught(test) => bail!("it is red without a plant: `{program} {test}` in {folder}"),
    }
}

fn look_for(built: &Built, plant: &Plant, table: &mut Table) -> Result<()> {
    for (suite, filter) in plant.looks {
        let verdict = suite.look(built.of(suite)?, filter, Some(plant.name))?;
        eprintln!("{}, {}: {verdict:?}", plant.name, suite.name);
        table.put(plant.name, suite.name, verdict);
    }
    Ok(())
}
