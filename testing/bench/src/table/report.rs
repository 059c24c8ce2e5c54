//! The tables as Markdown.

use super::measure::Sample;
use super::{Table, Variant};
use crate::rounds::median;

/// A column of a case.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    heading: &'static str,
    /// Returns the cell for the rounds of a variant.
    cell: fn(&[Sample]) -> String,
}

/// The columns of most cases.
pub const COLUMNS: [Column; 4] = [
    Column { heading: "server CPU, µs", cell: |rounds| tenths(of(rounds, |s| s.cpu_us)) },
    Column { heading: "store CPU, µs", cell: |rounds| tenths(of(rounds, |s| s.store_us)) },
    Column { heading: "requests/s", cell: |rounds| thousands(of(rounds, |s| s.per_second)) },
    Column { heading: "p50 / p99, µs", cell: latencies },
];

/// The columns of a case with many keys.
pub const GROWTH: [Column; 3] =
    [COLUMNS[0], COLUMNS[1], Column { heading: "bytes per key", cell: bytes_per_key }];

/// Returns a table as Markdown: a row for each variant, and the columns of each case. The samples are those of each case,
/// each variant and each round.
pub fn render(table: &Table, variants: &[Variant], samples: &[Vec<Vec<Sample>>]) -> String {
    let headings = table.cases.iter().flat_map(|case| {
        case.columns.iter().map(move |column| format!("{}: {}", case.heading, column.heading))
    });
    let headings: Vec<String> = headings.collect();
    let mut lines =
        format!("| Variant | {} |\n|{}\n", headings.join(" | "), "---|".repeat(headings.len() + 1));
    for (row, variant) in variants.iter().enumerate() {
        let cells = table.cases.iter().zip(samples).flat_map(|(case, samples)| {
            case.columns.iter().map(move |column| (column.cell)(&samples[row]))
        });
        let cells: Vec<String> = cells.collect();
        lines += &format!("| {} | {} |\n", variant.name, cells.join(" | "));
    }
    lines
}

fn of(rounds: &[Sample], figure: fn(&Sample) -> f64) -> f64 {
    median(rounds.iter().map(figure))
}

fn latencies(rounds: &[Sample]) -> String {
    let [p50, p99] = [of(rounds, |s| s.p50_us), of(rounds, |s| s.p99_us)].map(thousands);
    format!("{p50} / {p99}")
}

fn bytes_per_key(rounds: &[Sample]) -> String {
    let known = rounds.iter().filter_map(|sample| sample.bytes_per_key);
    match median(known) {
        figure if figure.is_nan() => String::new(),
        figure => thousands(figure),
    }
}

/// Returns a figure with one decimal place, or nothing for zero: a store without a process of its own has no CPU time.
fn tenths(figure: f64) -> String {
    if figure == 0.0 { String::new() } else { format!("{figure:.1}") }
}

fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::{Sample, render, thousands};
    use crate::table::{VARIANTS, tables};

    const SAMPLE: Sample = Sample {
        cpu_us: 11.64,
        store_us: 0.0,
        per_second: 81_972.3,
        p50_us: 382.0,
        p99_us: 1_520.0,
        bytes_per_key: None,
    };

    #[test]
    fn a_row_has_the_median_of_its_rounds() {
        let rounds =
            vec![SAMPLE, Sample { cpu_us: 9.0, ..SAMPLE }, Sample { cpu_us: 12.0, ..SAMPLE }];
        let table = render(&tables()[0], &VARIANTS[..1], &[vec![rounds], vec![vec![SAMPLE]]]);
        let row = table.lines().nth(2);
        assert_eq!(
            row,
            Some("| bare axum | 11.6 |  | 81,972 | 382 / 1,520 | 11.6 |  | 81,972 | 382 / 1,520 |")
        );
    }

    #[test]
    fn digits_are_in_groups_of_three() {
        assert_eq!(
            [1.0, 999.6, 12_345.0, 1_234_567.0].map(thousands),
            ["1", "1,000", "12,345", "1,234,567"]
        );
    }
}
