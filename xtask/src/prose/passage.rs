//! A text that people read, with its place.

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// `//` and `/* */`
    Comment,
    /// `///` and `//!`
    Doc,
    Literal,
    /// The name of a function; test names are sentences.
    Name,
    Markdown,
    /// Another kind of file, such as SQL, TOML or a compile error.
    Plain,
}

#[derive(Debug, PartialEq)]
pub(super) struct Passage {
    pub(super) path: String,
    /// The line on which the text starts, counted from 1.
    pub(super) line: usize,
    pub(super) kind: Kind,
    /// The text without comment markers. Its line breaks are those of the file.
    pub(super) text: String,
}

/// Removes the comment markers of Rust, SQL, Lua, TOML and shells from the start of each line.
pub(super) fn without_markers(text: &str) -> String {
    let marker = |character| matches!(character, ' ' | '\t' | '/' | '!' | '*' | '-' | '#');
    let lines: Vec<_> = text.lines().map(|line| line.trim_start_matches(marker)).collect();
    lines.join("\n")
}
