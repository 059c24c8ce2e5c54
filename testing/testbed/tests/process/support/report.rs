//! The passed tests and their durations: a line for each row, with its stores and frameworks.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::{Framework, Store};

type Row = BTreeMap<(Store, Framework), Duration>;

static PASSED: Mutex<BTreeMap<&str, Row>> = Mutex::new(BTreeMap::new());

pub(crate) fn passed(row: &'static str, store: Store, framework: Framework, took: Duration) {
    PASSED.lock().unwrap().entry(row).or_default().insert((store, framework), took);
}

/// Prints the report, in seconds.
pub(crate) fn print() {
    let rows = PASSED.lock().unwrap();
    if rows.is_empty() {
        return;
    }
    let columns: Vec<_> =
        Store::ALL.into_iter().flat_map(|store| Framework::ALL.map(|on| (store, on))).collect();
    let line = |name: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>9}")).collect();
        println!("{name:<72}{cells}");
    };
    line("seconds", columns.iter().map(|(store, _)| store.to_string()).collect());
    line("", columns.iter().map(|(_, framework)| framework.to_string()).collect());
    let seconds = |took: Option<&Duration>| {
        took.map_or_else(|| "-".to_owned(), |took| format!("{:.1}", took.as_secs_f64()))
    };
    for (name, row) in rows.iter() {
        line(name, columns.iter().map(|column| seconds(row.get(column))).collect());
    }
    let sum = |column| rows.values().filter_map(|row| row.get(column)).sum::<Duration>();
    line("sum", columns.iter().map(|column| seconds(Some(&sum(column)))).collect());
    let passed = |column| rows.values().filter(|row| row.contains_key(column)).count();
    line("passed", columns.iter().map(|column| passed(column).to_string()).collect());
}
