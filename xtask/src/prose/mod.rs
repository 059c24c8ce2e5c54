//! `cargo xtask prose`: counts and checks about language and structure.

mod codes;
mod counts;
mod fences;
mod files;
mod finding;
mod imports;
mod links;
mod markdown;
mod passage;
mod rust;
mod sentences;
mod surface;
mod texts;
mod words;

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, ensure};

use files::Repo;
use finding::Finding;
use texts::passages;
use words::Phrases;

/// Prints the counts of a checkout.
pub(crate) fn counts(root: &Path) -> Result<()> {
    let repo = Repo::read(root)?;
    print(&counts::table(&repo, &passages(&repo))?)
}

/// Prints all findings in a checkout.
///
/// # Errors
///
/// If there are findings, or if the checkout cannot be read.
pub(crate) fn check(root: &Path) -> Result<()> {
    let findings = findings(&Repo::read(root)?);
    print(&findings.iter().map(|finding| format!("{finding}\n")).collect::<String>())?;
    ensure!(findings.is_empty(), "{} places to correct", findings.len());
    Ok(())
}

fn print(text: &str) -> Result<()> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}

fn findings(repo: &Repo) -> Vec<Finding> {
    let documents = links::documents(repo);
    let phrases = Phrases::list();
    let mut findings = Vec::new();
    for passage in passages(repo) {
        findings.extend(phrases.check(&passage));
        findings.extend(codes::codes(&passage));
        findings.extend(codes::documents(&passage));
        findings.extend(links::citations(repo, &documents, &passage));
    }
    for (path, markdown) in &documents {
        findings.extend(links::check(repo, &documents, path));
        findings.extend(fences::check(path, markdown));
    }
    findings.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    findings
}

#[cfg(test)]
mod tests {
    use super::files::Repo;
    use super::findings;

    #[test]
    fn every_check_runs_over_every_file() {
        // The forbidden texts are spelled so that the check does not find them in this file.
        let code = format!("// See R{} in docs/none.md.", 34);
        let repo = Repo::of([
            ("a/README.md", "Nob\u{6f}dy.\n\n[a](b.md)\n\n```\n```\n"),
            ("a/src/lib.rs", &code),
            ("b.sql", "-- nob\u{6f}dy"),
            ("LICENSE", "nob\u{6f}dy"),
        ]);
        let places = findings(&repo).into_iter().map(|finding| (finding.path, finding.line));
        let expected = [
            ("a/README.md", 1),
            ("a/README.md", 3),
            ("a/README.md", 5),
            ("a/src/lib.rs", 1),
            ("a/src/lib.rs", 1),
            ("b.sql", 1),
        ];
        assert!(places.eq(expected.map(|(path, line)| (path.to_owned(), line))));
    }

    #[test]
    fn good_texts_pass() {
        let readme = "# Use\n\nText, see [a](#use).\n\n```rust\nf();\n```\n";
        let repo = Repo::of([("README.md", readme), ("src/lib.rs", "//! See README.md#use.")]);
        assert_eq!(findings(&repo), []);
    }
}
