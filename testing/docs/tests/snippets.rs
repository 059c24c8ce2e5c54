//! Every Rust block of the documentation is part of a file that is compiled.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write;
use std::path::Path;

use idem_docs::documents::{Fence, documents, fences, root, sources};

/// READMEs whose blocks are not in a compiled file yet. Remove each as it is rewritten.
const EXEMPT: &[&str] = &["idem-actix/README.md", "idem-axum/README.md"];

#[test]
fn every_rust_block_is_compiled() {
    let sources: Vec<Vec<String>> = sources().iter().map(|source| lines(source)).collect();
    let mut missing = String::new();
    for document in documents().iter().filter(|document| !is_exempt(document)) {
        for Fence { line, language, text } in fences(document) {
            let is_rust = language.split(',').next() == Some("rust");
            if is_rust && !sources.iter().any(|source| contains(source, &lines(&text))) {
                writeln!(missing, "{}:{line}\n{text}", document.display()).unwrap();
            }
        }
    }
    assert!(
        missing.is_empty(),
        "these blocks do not occur in testing/docs or examples; add them to a compiled file there:\n\n{missing}"
    );
}

#[test]
fn every_block_has_a_language() {
    let mut bare = String::new();
    for document in documents().iter().filter(|document| !is_exempt(document)) {
        for fence in fences(document).iter().filter(|fence| is_bare(&fence.language)) {
            writeln!(bare, "{}:{}", document.display(), fence.line).unwrap();
        }
    }
    assert!(bare.is_empty(), "these blocks have no language; write one, such as `text`:\n{bare}");
}

/// Attributes of rustdoc alone make a Rust block that no other renderer recognises.
fn is_bare(language: &str) -> bool {
    ["", "compile_fail", "ignore", "no_run", "should_panic"].contains(&language)
}

fn is_exempt(document: &Path) -> bool {
    EXEMPT.iter().any(|exempt| root().join(exempt) == document)
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Whether `block` occurs in `source` as consecutive lines, whatever its common indentation.
fn contains(source: &[String], block: &[String]) -> bool {
    let block = dedent(block);
    source.windows(block.len()).any(|window| dedent(window) == block)
}

fn dedent(lines: &[String]) -> Vec<&str> {
    let indent = |line: &String| line.len() - line.trim_start().len();
    let common = lines.iter().filter(|line| !line.is_empty()).map(indent).min().unwrap_or(0);
    lines.iter().map(|line| line.get(common..).unwrap_or_default()).collect()
}
