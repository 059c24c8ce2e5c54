//! Links in Markdown and citations of Markdown files in sources. Each must have a target.

use std::borrow::Cow;
use std::collections::HashMap;

use super::files::{Repo, resolve};
use super::finding::Finding;
use super::markdown::{Located, Markdown};
use super::passage::{Kind, Passage};

/// The Markdown files of a checkout by their paths.
pub(super) type Documents<'a> = HashMap<&'a str, Markdown>;

pub(super) fn documents(repo: &Repo) -> Documents<'_> {
    repo.ending(".md").map(|(path, text)| (path, Markdown::parse(text))).collect()
}

/// Reports links of a Markdown file to files and headings that do not exist.
pub(super) fn check(repo: &Repo, documents: &Documents<'_>, path: &str) -> Vec<Finding> {
    let links = documents.get(path).into_iter().flat_map(|markdown| &markdown.links);
    let broken = links.filter_map(|Located { line, text }| {
        let message = broken(repo, documents, path, text)?;
        Some(Finding::new(path, *line, message))
    });
    broken.collect()
}

fn broken(repo: &Repo, documents: &Documents<'_>, from: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    if link.contains("::") {
        return Some(format!(
            "`{link}` links nowhere outside of rustdoc: link its page on docs.rs"
        ));
    }
    let (file, anchor) = split(link);
    let target = if file.is_empty() { from.to_owned() } else { resolve(from, file) };
    if !repo.has(&target) {
        return Some(format!("broken link `{link}`: there is no tracked file {target}"));
    }
    missing(documents, &target, anchor?)
}

/// Returns a message if a Markdown file has no such heading.
fn missing(documents: &Documents<'_>, path: &str, anchor: &str) -> Option<String> {
    let found = documents.get(path)?.anchors.contains(anchor);
    (!found).then(|| format!("no heading of {path} has the anchor #{anchor}"))
}

/// Reports citations in comments, such as `docs/<name>.md#<anchor>` and `rules::<name>#<anchor>`,
/// of files and headings that do not exist.
pub(super) fn citations(repo: &Repo, documents: &Documents<'_>, passage: &Passage) -> Vec<Finding> {
    if !matches!(passage.kind, Kind::Comment | Kind::Doc | Kind::Plain) {
        return Vec::new();
    }
    let lines = passage.text.split('\n').enumerate();
    let broken = lines.flat_map(|(at, line)| {
        let cited = line.split(is_delimiter).filter_map(Citation::read);
        let broken = cited.filter_map(|cited| cited.broken(repo, documents, &passage.path));
        broken.map(move |message| Finding::new(&passage.path, passage.line + at, message))
    });
    broken.collect()
}

fn is_delimiter(letter: char) -> bool {
    letter.is_whitespace() || !(letter.is_alphanumeric() || "/._-:#".contains(letter))
}

/// The URL of the root folder, which rustdoc needs for links to files.
const REPOSITORY: &str = "https://github.com/idem-rs/idem/blob/main/";

/// A cited Markdown file, and the anchor if there is one.
struct Citation<'a> {
    file: Cow<'a, str>,
    anchor: Option<&'a str>,
}

impl<'a> Citation<'a> {
    fn read(word: &'a str) -> Option<Self> {
        let word = word.trim_end_matches(['.', ':']);
        let word = word.strip_prefix(REPOSITORY).unwrap_or(word);
        if word.contains("://") {
            return None;
        }
        let (file, anchor) = split(word);
        if let (Some((_, name)), Some(_)) = (file.split_once("rules::"), anchor) {
            return Some(Self { file: format!("docs/{name}.md").into(), anchor });
        }
        let is_file = file.strip_suffix(".md").is_some_and(|name| !name.is_empty());
        is_file.then(|| Self { file: file.into(), anchor })
    }

    /// Returns a message if the file or the heading does not exist. The path may start at any folder
    /// that contains the citing file. A crate's link to a folder of the root counts as that folder.
    fn broken(&self, repo: &Repo, documents: &Documents<'_>, from: &str) -> Option<String> {
        let folders = from.match_indices('/').map(|(end, _)| &from[..=end]).chain([""]);
        let places = folders.map(|folder| resolve(folder, &self.file));
        let below_root = self.file.trim_start_matches("../").to_owned();
        let Some(target) = places.chain([below_root]).find(|place| repo.has(place)) else {
            return Some(format!("{} is not in the repository", self.file));
        };
        missing(documents, &target, self.anchor?)
    }
}

fn split(link: &str) -> (&str, Option<&str>) {
    link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)))
}

#[cfg(test)]
mod tests {
    use super::super::files::Repo;
    use super::super::passage::{Kind, Passage};
    use super::{check, citations, documents};

    fn repo() -> Repo {
        Repo::of([
            (
                "docs/semantics.md",
                "# Rules\n\n[a](../README.md#use) [b](#rules) [c](https://x.y/#z)",
            ),
            (
                "README.md",
                "# Use\n\n[a](docs) [b](gone.md) [b](core::X)\n[c](docs/semantics.md#gone) [d](#gone)",
            ),
        ])
    }

    #[test]
    fn broken_links_are_found() {
        let repo = repo();
        let documents = documents(&repo);
        assert!(check(&repo, &documents, "docs/semantics.md").is_empty());
        let broken = check(&repo, &documents, "README.md");
        assert_eq!(broken.iter().map(|found| found.line).collect::<Vec<_>>(), [3, 3, 4, 4]);
    }

    #[test]
    fn broken_citations_are_found() {
        let repo = repo();
        let documents = documents(&repo);
        let cite = |text: &str| {
            let path = "core/src/a.rs".to_owned();
            let passage = Passage { path, line: 1, kind: Kind::Doc, text: text.to_owned() };
            citations(&repo, &documents, &passage).len()
        };
        assert_eq!(cite("[x](crate::rules::semantics#rules), README.md, ../docs/semantics.md."), 0);
        assert_eq!(cite("[x](crate::rules::semantics#other)"), 1);
        assert_eq!(cite("crate::rules::claim, ../docs/semantics.md#rules"), 0);
        assert_eq!(cite("docs/semantics.md#other\ndocs/none.md"), 2);
    }
}
