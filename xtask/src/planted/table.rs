//! Which suite noticed which plant.

use std::fmt;

use super::plants::SUITES;
use super::suite::Verdict;

const CAUGHT: &str = "caught";

#[derive(Default)]
pub(super) struct Table(Vec<(&'static str, &'static str, Verdict)>);

impl Table {
    pub(super) fn put(&mut self, plant: &'static str, suite: &'static str, verdict: Verdict) {
        self.0.push((plant, suite, verdict));
    }

    /// The plants that nobody noticed.
    pub(super) fn unnoticed(&self) -> Vec<&'static str> {
        let noticed = |plant| SUITES.iter().any(|suite| self.cell(plant, suite.name) == CAUGHT);
        self.plants().into_iter().filter(|plant| !noticed(*plant)).collect()
    }

    fn plants(&self) -> Vec<&'static str> {
        let mut plants: Vec<_> = self.0.iter().map(|(plant, ..)| *plant).collect();
        plants.dedup();
        plants
    }

    fn cell(&self, plant: &str, suite: &str) -> &'static str {
        let verdict = self.0.iter().find(|(of, by, _)| *of == plant && *by == suite);
        match verdict {
            Some((.., Verdict::Caught(_))) => CAUGHT,
            Some((.., Verdict::Green)) => "not",
            Some((.., Verdict::Hung)) => "hung",
            None => "",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let looked = |suite: &&str| self.0.iter().any(|(_, by, _)| by == suite);
        let suites: Vec<_> = SUITES.iter().map(|suite| suite.name).filter(looked).collect();
        let mut row = |first: &str, cells: &[&str]| {
            let cells: String = cells.iter().map(|cell| format!("{cell:>10}")).collect();
            writeln!(f, "{}", format!("{first:22}{cells}").trim_end())
        };
        row("", &suites)?;
        for plant in self.plants() {
            let cells: Vec<_> = suites.iter().map(|suite| self.cell(plant, suite)).collect();
            row(plant, &cells)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Table, Verdict};

    #[test]
    fn one_suite_that_notices_is_enough() {
        let mut table = Table::default();
        table.put("One", "unit", Verdict::Green);
        table.put("One", "model", Verdict::Caught("a::b".to_owned()));
        table.put("Two", "unit", Verdict::Green);
        table.put("Three", "model", Verdict::Hung);
        assert_eq!(table.unnoticed(), ["Two", "Three"]);
        let rows: Vec<Vec<_>> = table
            .to_string()
            .lines()
            .map(|row| row.split_whitespace().map(str::to_owned).collect())
            .collect();
        let expected: [&[&str]; 4] =
            [&["unit", "model"], &["One", "not", "caught"], &["Two", "not"], &["Three", "hung"]];
        assert_eq!(rows, expected);
    }
}
