//! Prints which suite noticed which bug.

use std::fmt;

use super::suite::Verdict;

const NOTICED: &str = "noticed";

#[derive(Default)]
pub(super) struct Table(Vec<(&'static str, &'static str, Verdict)>);

impl Table {
    pub(super) fn put(&mut self, bug: &'static str, suite: &'static str, verdict: Verdict) {
        self.0.push((bug, suite, verdict));
    }

    /// The bugs that no suite noticed.
    pub(super) fn unnoticed(&self) -> Vec<&'static str> {
        let noticed = |bug| self.suites().iter().any(|suite| self.cell(bug, suite) == NOTICED);
        self.bugs().into_iter().filter(|bug| !noticed(*bug)).collect()
    }

    fn bugs(&self) -> Vec<&'static str> {
        let mut bugs: Vec<_> = self.0.iter().map(|(bug, ..)| *bug).collect();
        bugs.dedup();
        bugs
    }

    fn suites(&self) -> Vec<&'static str> {
        let mut suites: Vec<_> = self.0.iter().map(|(_, suite, _)| *suite).collect();
        suites.sort_unstable();
        suites.dedup();
        suites
    }

    fn cell(&self, bug: &str, suite: &str) -> &'static str {
        let verdict = self.0.iter().find(|(of, by, _)| *of == bug && *by == suite);
        match verdict {
            Some((.., Verdict::Failed(_))) => NOTICED,
            Some((.., Verdict::Passed)) => "not",
            Some((.., Verdict::Hung)) => "hung",
            None => "",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suites = self.suites();
        let mut row = |first: &str, cells: &[&str]| {
            let cells: String = cells.iter().map(|cell| format!("{cell:>10}")).collect();
            writeln!(f, "{}", format!("{first:22}{cells}").trim_end())
        };
        row("", &suites)?;
        for bug in self.bugs() {
            let cells: Vec<_> = suites.iter().map(|suite| self.cell(bug, suite)).collect();
            row(bug, &cells)?;
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
        table.put("One", "unit", Verdict::Passed);
        table.put("One", "model", Verdict::Failed("a::b".to_owned()));
        table.put("Two", "unit", Verdict::Passed);
        table.put("Three", "model", Verdict::Hung);
        assert_eq!(table.unnoticed(), ["Two", "Three"]);
        let rows: Vec<Vec<_>> = table
            .to_string()
            .lines()
            .map(|row| row.split_whitespace().map(str::to_owned).collect())
            .collect();
        let expected: [&[&str]; 4] =
            [&["model", "unit"], &["One", "noticed", "not"], &["Two", "not"], &["Three", "hung"]];
        assert_eq!(rows, expected);
    }
}
