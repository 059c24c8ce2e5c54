//! The tables of `docs/faults.md`.

use std::fs;

use super::sources::root;

pub(super) struct Row {
    pub(super) name: String,
    pub(super) evidence: Evidence,
}

pub(super) enum Evidence {
    /// Crates, and the tests in them that are not named after the fault.
    Tests(Vec<(String, Vec<String>)>),
    /// The reason why there is no test yet.
    Reason(String),
}

impl Row {
    /// Whether a test of this name is about this fault.
    pub(super) fn owns(&self, test: &str) -> bool {
        let name = format!("fault_{}", self.name.replace('-', "_"));
        test.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    }

    pub(super) fn gap(&self, problem: &str) -> String {
        format!("`{}` {problem}", self.name)
    }
}

/// All rows, in their order.
///
/// # Panics
/// If a line of a table is malformed, or a name occurs twice.
pub(super) fn rows() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let mut rows: Vec<Row> = Vec::new();
    let mut evidence: Option<fn(&str) -> Evidence> = None;
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        match cells[..] {
            ["Name", "Fault", "Required behaviour", "Test"] => evidence = Some(tests),
            ["Name", "Fault", "Required behaviour", "Reason"] => evidence = Some(reason),
            ["---", "---", "---", "---"] => {}
            [name, _, _, last] => {
                let name = name.trim_matches('`').to_owned();
                assert!(rows.iter().all(|row| row.name != name), "`{name}` occurs twice");
                let evidence = evidence.expect("a table begins with its header");
                rows.push(Row { name, evidence: evidence(last) });
            }
            _ => panic!("expected four cells: {line}"),
        }
    }
    assert!(!rows.is_empty(), "docs/faults.md has no tables");
    rows
}

fn reason(cell: &str) -> Evidence {
    Evidence::Reason(cell.to_owned())
}

/// `crate, crate (`test`, `test`)`.
fn tests(cell: &str) -> Evidence {
    let mut tests: Vec<(String, Vec<String>)> = Vec::new();
    for word in cell.split([' ', ',', '(', ')']).filter(|word| !word.is_empty()) {
        match word.strip_prefix('`').and_then(|word| word.strip_suffix('`')) {
            Some(name) => {
                let (_, names) = tests.last_mut().expect("a test follows its crate");
                names.push(name.to_owned());
            }
            None => tests.push((word.to_owned(), Vec::new())),
        }
    }
    Evidence::Tests(tests)
}
