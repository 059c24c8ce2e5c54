//! Names and messages that the guide quotes exist in the sources.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use idem_docs::documents::{files, root};

/// Headings of table columns whose quoted texts are log messages or errors.
const MESSAGES: [&str; 4] = ["Log message", "`error` in the log", "The error contains", "Error"];

/// Names of other crates and of Rust.
const FOREIGN: &[&str] =
    &["Age", "ETag", "Expires", "Location", "ServiceExt", "Trailer", "Upgrade"];

#[test]
fn quoted_messages_exist() {
    let sources = squeezed(&(texts("rs") + &texts("stderr")));
    let mut missing = Vec::new();
    for chapter in chapters() {
        let text = fs::read_to_string(&chapter).unwrap();
        let mut column = None;
        for line in text.lines() {
            let Some(row) = line.strip_prefix('|') else {
                column = None;
                continue;
            };
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            column = column.or_else(|| Some(MESSAGES.contains(&cells[0])));
            let quoted = if column == Some(true) { quotes(cells[0]) } else { Vec::new() };
            let is_missing = |message: &&str| !sources.contains(&squeezed(message));
            missing.extend(quoted.into_iter().filter(is_missing).map(str::to_owned));
        }
    }
    missing.retain(|message| !MESSAGES.iter().any(|heading| heading.contains(&**message)));
    assert!(missing.is_empty(), "no source has these messages of the guide: {missing:#?}");
}

#[test]
fn quoted_names_exist() {
    let sources = texts("rs");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let known: HashSet<&str> =
        sources.split(|c| !is_word(c)).chain(FOREIGN.iter().copied()).collect();
    let mut missing = Vec::new();
    for chapter in chapters() {
        let text = fs::read_to_string(&chapter).unwrap();
        for quoted in text.lines().filter(|line| !line.starts_with("```")).flat_map(quotes) {
            let is_path =
                quoted.split("::").all(|name| !name.is_empty() && name.chars().all(is_word));
            let is_name = quoted.contains(char::is_lowercase) && quoted.contains("::")
                || quoted.starts_with(char::is_uppercase) && quoted.contains(char::is_lowercase);
            if is_path && is_name {
                let unknown = quoted.split("::").filter(|name| !known.contains(name));
                missing.extend(unknown.map(|name| format!("{name} in {}", chapter.display())));
            }
        }
    }
    assert!(missing.is_empty(), "no source has these names of the guide: {missing:#?}");
}

fn chapters() -> Vec<PathBuf> {
    let mut chapters = files(&root().join("docs/guide"), "md");
    chapters.push(root().join("docs/attribute.md"));
    chapters
}

/// The sources of the crates and examples, without this crate.
fn texts(extension: &str) -> String {
    let folders = [
        "idem-core",
        "idem-macros",
        "idem-tower",
        "idem-axum",
        "idem-actix",
        "idem-redis",
        "idem-postgres",
        "idem-sqlite",
        "idem-cli",
        "idem-client",
        "idem-console",
        "idem-metrics",
        "idem-conformance",
        "examples",
        "testing/ui",
    ];
    let files = folders.iter().flat_map(|folder| files(&root().join(folder), extension));
    files.map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// The inline code of a line.
fn quotes(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// Text without the line breaks and continuations of a string literal.
fn squeezed(text: &str) -> String {
    text.replace('\\', "").split_whitespace().collect::<Vec<_>>().join(" ")
}
