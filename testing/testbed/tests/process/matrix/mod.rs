//! Checks that `docs/faults.md` and the fault tests of the workspace agree.

mod document;
mod sources;

use std::collections::BTreeSet;

use document::{Evidence, Row};
use libtest_mimic::{Failed, Trial};
use sources::Function;

/// Both checks. `faults` are the fault tests of this suite.
pub(crate) fn trials(faults: &[Trial]) -> [Trial; 2] {
    let own: Vec<String> = faults.iter().map(|fault| fault.name().to_owned()).collect();
    [
        Trial::test("matrix::every_fault_has_a_test", move || {
            let functions = sources::functions();
            report(document::rows().iter().flat_map(|row| gaps(row, &functions, &own)))
        }),
        Trial::test("matrix::every_fault_test_is_documented", || {
            let rows = document::rows();
            let problems = sources::functions().into_iter().filter_map(|function| {
                let problem = misnamed(&rows, &function.name)?;
                Some(format!("{} in {}: {problem}", function.name, function.krate))
            });
            report(problems)
        }),
    ]
}

fn report(problems: impl Iterator<Item = String>) -> Result<(), Failed> {
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// Differences between the tests that a row lists and those that exist.
fn gaps(row: &Row, functions: &[Function], own: &[String]) -> Vec<String> {
    let listed = match &row.evidence {
        Evidence::Reason(reason) if reason.is_empty() => return vec![row.gap("gives no reason")],
        Evidence::Reason(_) => return vec![],
        Evidence::Tests(tests) if tests.is_empty() => return vec![row.gap("lists no test")],
        Evidence::Tests(tests) => tests,
    };
    let existing: BTreeSet<_> = functions
        .iter()
        .filter(|function| row.owns(&function.name))
        .map(|function| function.krate.as_str())
        .collect();
    let mut gaps = Vec::new();
    for (krate, names) in listed {
        if names.is_empty() && !existing.contains(krate.as_str()) {
            gaps.push(row.gap(&format!("has no test in {krate}")));
        }
        let unknown = |name: &&String| {
            !functions.iter().any(|function| function.krate == *krate && function.name == **name)
        };
        let unknown = names.iter().filter(unknown);
        gaps.extend(unknown.map(|name| row.gap(&format!("lists {name}, which is not in {krate}"))));
    }
    let unlisted =
        existing.iter().filter(|krate| listed.iter().all(|(listed, _)| listed != *krate));
    gaps.extend(
        unlisted.map(|krate| row.gap(&format!("has a test in {krate} that is not listed"))),
    );
    let runs = own.iter().filter_map(|trial| trial.split("::").nth(1)).any(|test| row.owns(test));
    if existing.contains("testbed") != runs {
        gaps.push(row.gap("has a test in testbed that the suite does not run"));
    }
    gaps
}

/// The reason why a function must not have its name, if the name is that of a fault test.
fn misnamed(rows: &[Row], function: &str) -> Option<String> {
    function.strip_prefix("fault_")?;
    let owners: Vec<_> = rows.iter().filter(|row| row.owns(function)).collect();
    match owners[..] {
        [Row { evidence: Evidence::Tests(_), .. }] => None,
        [row] => Some(format!("`{}` is listed as not covered", row.name)),
        [] => Some("docs/faults.md has no such fault".to_owned()),
        _ => Some("its name fits several faults".to_owned()),
    }
}
