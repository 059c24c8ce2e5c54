//! All texts in a checkout that people read: comments, documentation, string literals, function names,
//! Markdown, configuration and compile errors.

use super::files::Repo;
use super::passage::{Kind, Passage, without_markers};
use super::rust;

/// The endings of further files that are checked.
const PLAIN: [&str; 8] = [".toml", ".yml", ".yaml", ".sql", ".lua", ".sh", ".ci/run", ".stderr"];

/// All passages of a checkout. Snapshots of expansions are skipped because they repeat their input.
pub(super) fn passages(repo: &Repo) -> Vec<Passage> {
    let rust = repo.ending(".rs").filter(|(path, _)| !path.ends_with(".expanded.rs"));
    let rust = rust.flat_map(|(path, text)| rust::passages(path, text));
    let markdown = repo.ending(".md").map(|(path, text)| whole(path, Kind::Markdown, text));
    let plain = PLAIN.iter().flat_map(|suffix| repo.ending(suffix));
    let plain = plain.flat_map(|(path, text)| self::plain(path, text));
    rust.chain(markdown).chain(plain).collect()
}

fn whole(path: &str, kind: Kind, text: &str) -> Passage {
    Passage { path: path.to_owned(), line: 1, kind, text: text.to_owned() }
}

fn plain(path: &str, text: &str) -> Vec<Passage> {
    if !path.ends_with(".stderr") {
        return vec![whole(path, Kind::Plain, &without_markers(text))];
    }
    // A phrase does not continue on the next line of a compile error.
    let lines = text.lines().enumerate();
    lines.map(|(at, text)| Passage { line: at + 1, ..whole(path, Kind::Plain, text) }).collect()
}
