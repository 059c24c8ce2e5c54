//! The table of counts.

use anyhow::Result;

use super::files::Repo;
use super::imports::Cycle;
use super::links::Documents;
use super::passage::{Kind, Passage};
use super::sentences::Sentences;
use super::words::Phrases;
use super::{codes, fences, imports, links, surface};

/// The crate whose names are counted.
const ROOT: &str = "idem-core/src/lib.rs";

/// The table, a count on each line.
pub(super) fn table(repo: &Repo, passages: &[Passage]) -> Result<String> {
    let phrases = Phrases::list();
    let words: usize = passages.iter().map(|passage| phrases.check(passage).len()).sum();
    let (inside, outside): (Vec<_>, Vec<_>) =
        passages.iter().partition(|passage| codes::in_src(passage));
    let documents = links::documents(repo);
    let lines = repo.ending(".rs").map(|(_, text)| text.lines().count());
    let rows = [
        row("banned words", words),
        row("bare rule codes in src/", count_codes(&inside)),
        row("bare rule codes elsewhere", count_codes(&outside)),
        row("citations of missing documents", missing_documents(repo, &documents, passages)),
        row("broken links in Markdown", broken_links(repo, &documents)),
        row("Markdown that only rustdoc renders", rustdoc_only(&documents)),
        sentences(passages),
        row("names at the root of idem-core", surface::names(repo.expect(ROOT)?)?),
        row("lines of Rust", lines.sum()),
        cycles(repo),
    ];
    Ok(rows.concat())
}

fn row(name: &str, count: usize) -> String {
    format!("{name:<38}{count:>8}\n")
}

fn count_codes(passages: &[&Passage]) -> usize {
    passages.iter().map(|passage| codes::codes(passage).len()).sum()
}

fn missing_documents(repo: &Repo, documents: &Documents<'_>, passages: &[Passage]) -> usize {
    let missing = passages.iter().map(|passage| {
        codes::documents(passage).len() + links::citations(repo, documents, passage).len()
    });
    missing.sum()
}

fn broken_links(repo: &Repo, documents: &Documents<'_>) -> usize {
    documents.keys().map(|path| links::check(repo, documents, path).len()).sum()
}

fn rustdoc_only(documents: &Documents<'_>) -> usize {
    documents.iter().map(|(path, markdown)| fences::check(path, markdown).len()).sum()
}

fn sentences(passages: &[Passage]) -> String {
    let of = |name, kind, is_wanted: fn(&str) -> bool| {
        let wanted = move |passage: &&Passage| passage.kind == kind && is_wanted(&passage.path);
        text(name, &Sentences::of(passages.iter().filter(wanted)))
    };
    let readmes = of("READMEs", Kind::Markdown, |path| path.ends_with("README.md"));
    let others = of("other Markdown", Kind::Markdown, |path| !path.ends_with("README.md"));
    readmes + &others + &of("rustdoc in src/", Kind::Doc, |path| path.contains("/src/"))
}

fn text(name: &str, sentences: &Sentences) -> String {
    let commas = sentences.commas_per_sentence();
    let longest = row(&format!("{name}: words in the longest"), sentences.longest);
    let rows = [
        row(&format!("{name}: sentences"), sentences.count),
        format!("{:<38}{commas:>8.2}\n", format!("{name}: commas per sentence")),
        row(&format!("{name}: sentences over 35 words"), sentences.long),
        format!("{}  {}\n", longest.trim_end(), sentences.longest_at),
    ];
    rows.concat()
}

fn cycles(repo: &Repo) -> String {
    let cycles = imports::cycles(repo);
    let files =
        cycles.iter().map(|Cycle(files)| format!("  {} files: {}\n", files.len(), files.join(" ")));
    row("import cycles inside crates", cycles.len()) + &files.collect::<String>()
}
