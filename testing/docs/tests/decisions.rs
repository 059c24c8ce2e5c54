//! The index of the decisions contains every question, with a link that leads to it.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;

use idem_docs::documents::{files, root};

#[test]
fn the_index_lists_every_decision() {
    let folder = root().join("docs/decisions");
    let index = fs::read_to_string(folder.join("README.md")).unwrap();
    let listed: Vec<_> = index.lines().filter(|line| line.starts_with("* ")).collect();
    let mut expected = Vec::new();
    for file in files(&folder, "md").iter().filter(|file| !file.ends_with("README.md")) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(file).unwrap();
        for question in text.lines().filter_map(|line| line.strip_prefix("## ")) {
            assert!(question.ends_with('?'), "`{question}` in {name} is not a question");
            expected.push(format!("* [{question}]({name}#{})", anchor(question)));
        }
    }
    for line in &expected {
        assert!(listed.contains(&line.as_str()), "docs/decisions/README.md lacks\n{line}");
    }
    assert_eq!(listed.len(), expected.len(), "docs/decisions/README.md lists removed questions");
}

/// The anchor that a code forge gives to a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}
