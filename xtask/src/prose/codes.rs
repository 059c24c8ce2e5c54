//! Rule codes and documents that a reader of this repository cannot look up.

use std::collections::HashSet;

use super::finding::Finding;
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
    let words = words(&passage.text).filter(|(line, _)| !fenced.contains(line));
    let mut before = "";
    let mut findings = Vec::new();
    for (line, word) in words {
        let row = is_row(before) && is_number(word);
        if row || is_code(word) {
            let code = if row { format!("{before} {word}") } else { word.to_owned() };
            let message =
                format!("bare code \"{code}\": name the rule, or link its heading in docs/");
            findings.push(Finding::new(&passage.path, passage.line + line, message));
        }
        before = word;
    }
    findings
}

/// Reports the names of documents that are not in the repository.
pub(super) fn documents(passage: &Passage) -> Vec<Finding> {
    let cited = words(&passage.text).filter(|(_, word)| is_document(word));
    let finding = |(line, word)| {
        let message = format!("{word} is not in the repository: cite docs/, or state the rule");
        Finding::new(&passage.path, passage.line + line, message)
    };
    cited.map(finding).collect()
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

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.split('\n').enumerate();
    lines.flat_map(|(at, line)| {
        let words = line.split(|part: char| !part.is_alphanumeric());
        words.filter(|word| !word.is_empty()).map(move |word| (at, word))
    })
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

fn is_row(word: &str) -> bool {
    ["row", "rows", "fault"].iter().any(|row| word.eq_ignore_ascii_case(row))
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
    }

    #[test]
    fn finds_documents() {
        let text = format!("See {} section 3.", "reliability".to_uppercase());
        assert_eq!(documents(&passage(&text)).len(), 1);
        assert!(documents(&passage("Reliability and design.")).is_empty());
    }
}
