//! Rule codes and documents that a reader of this repository cannot look up.

use std::collections::HashSet;
use std::ops::Range;

use super::finding::{Finding, line_at};
use super::passage::{Kind, Passage};

/// The letters of the rule codes, such as the one of a state transition.
const FAMILIES: &str = "AILMPRT";
/// Documents that were never part of the repository. They are cited in capitals.
const DOCUMENTS: [&str; 6] =
    ["design", "performance", "pitfalls", "reliability", "semantics", "testbed"];

/// Reports bare codes of rules and of fault rows.
pub(super) fn codes(passage: &Passage) -> Vec<Finding> {
    if passage.path.ends_with(".stderr") {
        return Vec::new(); // The compiler numbers type parameters.
    }
    let fenced = fenced(passage);
    let finding = |code: Range<usize>| {
        let text = &passage.text[code.clone()];
        let message = format!("bare code \"{text}\": name the rule, or link its heading in docs/");
        found_at(passage, code.start, message)
    };
    let found = code_ranges(&passage.text).into_iter().map(finding);
    found.filter(|finding| !fenced.contains(&(finding.line - passage.line))).collect()
}

fn code_ranges(text: &str) -> Vec<Range<usize>> {
    let mut codes = Vec::new();
    let mut before = 0..0;
    for word in words(text) {
        if is_row(text, &before, &word) {
            codes.push(before.start..word.end);
        } else if is_code(&text[word.clone()]) && !is_format(text, word.start) {
            codes.push(word.clone());
        }
        before = word;
    }
    codes
}

/// Reports the names of documents that are not in the repository.
pub(super) fn documents(passage: &Passage) -> Vec<Finding> {
    let cited = words(&passage.text).filter(|word| is_document(&passage.text[word.clone()]));
    let finding = |word: Range<usize>| {
        let name = &passage.text[word.clone()];
        let message = format!("{name} is not in the repository: cite docs/, or state the rule");
        found_at(passage, word.start, message)
    };
    cited.map(finding).collect()
}

fn found_at(passage: &Passage, offset: usize, message: String) -> Finding {
    Finding::new(&passage.path, passage.line + line_at(&passage.text, offset) - 1, message)
}

/// Whether the passage belongs to a crate's sources, rather than to tests or documents.
pub(super) fn in_src(passage: &Passage) -> bool {
    passage.path.contains("/src/") && passage.kind != Kind::Markdown
}

/// The lines of code blocks in Markdown, where a diagram may call its processes as it likes.
fn fenced(passage: &Passage) -> HashSet<usize> {
    let mut is_fenced = false;
    let lines = passage.text.split('\n').enumerate().filter(|(_, line)| {
        is_fenced ^= line.trim_start().starts_with("```");
        is_fenced && passage.kind == Kind::Markdown
    });
    lines.map(|(at, _)| at).collect()
}

/// The words of a text.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_separator = |letter: char| !letter.is_alphanumeric();
    let parts = text.split_inclusive(is_separator).scan(0, move |end, part| {
        let start = std::mem::replace(end, *end + part.len());
        Some(start..start + part.trim_end_matches(is_separator).len())
    });
    parts.filter(|word| !word.is_empty())
}

fn is_code(word: &str) -> bool {
    word.strip_prefix(|first| FAMILIES.contains(first)).is_some_and(is_number)
}

fn is_number(word: &str) -> bool {
    matches!(word.len(), 1..=2) && word.bytes().all(|digit| digit.is_ascii_digit())
}

fn is_document(word: &str) -> bool {
    word.bytes().all(|letter| letter.is_ascii_uppercase())
        && DOCUMENTS.iter().any(|document| document.eq_ignore_ascii_case(word))
}

/// Whether two words are a fault row and its number, without punctuation between them.
fn is_row(text: &str, before: &Range<usize>, word: &Range<usize>) -> bool {
    let row = &text[before.clone()];
    ["row", "rows", "fault"].iter().any(|name| row.eq_ignore_ascii_case(name))
        && is_number(&text[word.clone()])
        && text[before.end..word.start].trim().is_empty()
}

/// Whether a format of Lua's `struct.pack` starts at `start`, behind its byte order.
fn is_format(text: &str, start: usize) -> bool {
    text[..start].ends_with("'>")
}

#[cfg(test)]
mod tests {
    use super::super::passage::{Kind, Passage};
    use super::{codes, documents};

    fn passage(text: &str) -> Passage {
        Passage { path: "a.rs".to_owned(), line: 5, kind: Kind::Doc, text: text.to_owned() }
    }

    #[test]
    fn finds_codes_and_rows() {
        // Put together here, so that the check does not find them in this file.
        let text = format!("Lost (R{}),\nas in {} 47.", 34, "row");
        let found = codes(&passage(&text)).into_iter();
        assert_eq!(found.map(|finding| finding.line).collect::<Vec<_>>(), [5, 6]);
    }

    #[test]
    fn code_blocks_of_markdown_are_skipped() {
        let text = format!("```text\nR{0}\n```\nR{0}", 34);
        let found = codes(&Passage { kind: Kind::Markdown, ..passage(&text) });
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn other_words_with_digits_are_not_codes() {
        assert!(codes(&passage("RFC 9651, E0277, SHA256, u64, 47 rows, row 1234")).is_empty());
        assert!(codes(&passage("the token at fault.\n3. Expand")).is_empty());
        assert!(codes(&passage("struct.pack('>I8', token)")).is_empty());
    }

    #[test]
    fn finds_documents() {
        let text = format!("See {} section 3.", "reliability".to_uppercase());
        assert_eq!(documents(&passage(&text)).len(), 1);
        assert!(documents(&passage("Reliability and design.")).is_empty());
    }
}
