//! The links of the guide lead somewhere.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;

use idem_docs::documents::{files, root};

const REPOSITORY: &str = "https://github.com/idem-rs/idem/";

#[test]
fn every_link_of_the_guide_leads_somewhere() {
    let mut broken = Vec::new();
    for chapter in files(&root().join("docs/guide/src"), "md") {
        let text = fs::read_to_string(&chapter).unwrap();
        for link in links(&text).filter(|link| !leads_somewhere(&chapter, link)) {
            broken.push(format!("{}: {link}", chapter.display()));
        }
    }
    assert!(broken.is_empty(), "broken links: {broken:#?}");
}

#[test]
fn every_chapter_is_in_the_summary() {
    let folder = root().join("docs/guide/src");
    let summary = fs::read_to_string(folder.join("SUMMARY.md")).unwrap();
    for chapter in files(&folder, "md") {
        let name = chapter.file_name().unwrap().to_str().unwrap();
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name}");
    }
}

/// Links out of the guide are absolute, because the rendered guide does not contain their targets.
fn leads_somewhere(chapter: &Path, link: &str) -> bool {
    if let Some(path) = link.strip_prefix(REPOSITORY) {
        let path = path.split('/').skip(2).collect::<Vec<_>>().join("/");
        return root().join(path).exists();
    }
    if link.contains("://") {
        return true;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => chapter.to_owned(),
        file => chapter.with_file_name(file),
    };
    let Ok(text) = fs::read_to_string(target) else { return false };
    anchor.is_empty()
        || text.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == anchor)
}

/// The targets in `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The anchor of a heading, as code forges and mdBook make it.
fn slug(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
