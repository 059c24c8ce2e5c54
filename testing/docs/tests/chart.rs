//! The chart of the benchmarks is drawn from their table.
//!
//! `UPDATE_CHART=1 cargo test -p idem-docs --test chart` draws it after a change of the table.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write;
use std::{env, fs};

use idem_docs::documents::root;

const ROW: u32 = 30;
const TOP: u32 = 60;
const LEFT: f64 = 190.0;
/// The length of the longest bar.
const LONGEST: f64 = 520.0;
const COLOURS: [&str; 2] = ["#3b6ea5", "#9dc3e6"];

#[test]
fn the_chart_shows_the_table() {
    let folder = root().join("docs/guide/src");
    let chart = draw(&fs::read_to_string(folder.join("benchmarks.md")).unwrap());
    let file = folder.join("benchmarks.svg");
    if env::var_os("UPDATE_CHART").is_some() {
        fs::write(&file, &chart).unwrap();
    }
    let drawn = fs::read_to_string(&file).unwrap_or_default();
    assert!(drawn == chart, "run `UPDATE_CHART=1 cargo test -p idem-docs --test chart`");
}

/// Returns the rows of the chapter's first table: the variant, and the server CPU of a first execution and of a replay.
fn rows(chapter: &str) -> Vec<(&str, [&str; 2])> {
    let mut table = chapter
        .lines()
        .skip_while(|line| !line.starts_with("| Variant "))
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let headings = table.next().unwrap();
    let column = |name: &str| headings.iter().position(|heading| *heading == name).unwrap();
    let (first, replay) = (column("First: server CPU, µs"), column("Replay: server CPU, µs"));
    table.skip(1).map(|cells| (cells[1], [cells[first], cells[replay]])).collect()
}

/// Two bars for each variant.
fn draw(chapter: &str) -> String {
    let table = rows(chapter);
    let figures = table.iter().flat_map(|(_, cells)| cells);
    let most = figures.map(|cell| cell.parse::<f64>().unwrap()).fold(0.0, f64::max);
    let height = TOP + ROW * u32::try_from(table.len()).unwrap() + 10;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"22\" font-size=\"14\">Server CPU per request, in microseconds (lower is better)</text>\n"
    );
    for (x, colour, name) in
        [(LEFT, COLOURS[0], "first execution"), (LEFT + 140.0, COLOURS[1], "replay")]
    {
        writeln!(
            svg,
            "<rect x=\"{x}\" y=\"34\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{}\" y=\"44\">{name}</text>",
            x + 18.0
        )
        .unwrap();
    }
    for (row, (variant, cells)) in (0_u32..).zip(table) {
        let y = TOP + ROW * row;
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{variant}</text>",
            LEFT - 8.0,
            y + 16
        )
        .unwrap();
        for (bar, cell) in (0_u32..).zip(cells) {
            let width = cell.parse::<f64>().unwrap() / most * LONGEST;
            let (top, colour) = (y + 2 + 12 * bar, COLOURS[bar as usize]);
            writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"11\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{}\" font-size=\"10\">{cell}</text>",
                LEFT + width + 4.0,
                top + 9
            )
            .unwrap();
        }
    }
    svg + "</svg>\n"
}
