//! The documents of the repository, and the sources that their blocks are compared with.

use std::fs;
use std::path::{Path, PathBuf};

/// A fenced block of a document.
#[derive(Debug)]
pub struct Fence {
    /// The number of its first line.
    pub line: usize,
    /// The text after the backticks.
    pub language: String,
    /// Its lines.
    pub text: String,
}

/// The root of the repository.
///
/// # Panics
/// If it cannot be read.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// The READMEs of the root, of each crate and of each example, and all of `docs`.
///
/// # Panics
/// If a file cannot be read.
pub fn documents() -> Vec<PathBuf> {
    let root = root();
    let mut documents: Vec<_> = files(&root.join("docs"), "md");
    let folders = [".", "examples", "testing"].map(|folder| children(&root.join(folder)));
    let readmes = folders.into_iter().flatten().map(|folder| folder.join("README.md"));
    documents.extend(readmes.filter(|readme| readme.exists()));
    documents.push(root.join("README.md"));
    documents.sort();
    documents
}

/// The text of the files that documents may quote.
///
/// # Panics
/// If a file cannot be read.
pub fn sources() -> Vec<String> {
    let folders = ["testing/docs/src", "testing/docs/tests", "examples"];
    let files = folders.iter().flat_map(|folder| files(&root().join(folder), "rs"));
    files.map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// The fenced blocks of a document. An indented block, as in a list, is dedented by its fence.
///
/// # Panics
/// If a file cannot be read.
pub fn fences(document: &Path) -> Vec<Fence> {
    let document = fs::read_to_string(document).unwrap();
    let mut fences: Vec<Fence> = Vec::new();
    let mut indent = None;
    for (number, line) in document.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), indent) {
            (Some(language), None) => {
                indent = Some(line.len() - line.trim_start().len());
                let language = language.trim().to_owned();
                fences.push(Fence { line: number + 2, language, text: String::new() });
            }
            (Some(_), Some(_)) => indent = None,
            (None, Some(indent)) => {
                let text = &mut fences.last_mut().unwrap().text;
                text.push_str(line.get(indent..).unwrap_or_default());
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    fences
}

/// All files below `folder` whose names end with `extension`, sorted.
///
/// # Panics
/// If a file cannot be read.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}
