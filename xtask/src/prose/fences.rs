//! Markdown that a code forge renders differently from rustdoc.

use super::finding::Finding;
use super::markdown::{Fence, Located, Markdown};

/// Reports code without a language. In a README it also reports links to items and hidden lines,
/// which only rustdoc supports.
pub(super) fn check(path: &str, markdown: &Markdown) -> Vec<Finding> {
    let mut findings: Vec<_> =
        markdown.fences.iter().filter_map(|fence| bare(path, fence)).collect();
    if path.rsplit('/').next() == Some("README.md") {
        findings.extend(markdown.unlinked.iter().filter_map(|link| unlinked(path, link)));
        findings.extend(markdown.fences.iter().flat_map(|fence| hidden(path, fence)));
    }
    findings
}

fn bare(path: &str, Fence { line, language, .. }: &Fence) -> Option<Finding> {
    let message = "the code has no language: write ```rust, ```sh or ```text";
    let is_bare = language.is_empty() || is_attribute(language);
    is_bare.then(|| Finding::new(path, *line, message))
}

/// Whether the fence has only attributes of rustdoc, which other renderers take for a language.
fn is_attribute(language: &str) -> bool {
    ["no_run", "ignore", "should_panic", "compile_fail", "edition"]
        .iter()
        .any(|attribute| language.starts_with(attribute))
}

fn unlinked(path: &str, Located { line, text }: &Located) -> Option<Finding> {
    let message =
        format!("[{text}] links nowhere outside of rustdoc: add a URL, or drop the brackets");
    text.starts_with('`').then(|| Finding::new(path, *line, message))
}

fn hidden(path: &str, fence: &Fence) -> Vec<Finding> {
    let language = fence.language.as_str();
    let is_rust = language.is_empty() || language.starts_with("rust") || is_attribute(language);
    let lines = fence.code.lines().enumerate().filter(|(_, line)| is_rust && is_hidden(line));
    let message =
        "rustdoc hides this line, a code forge shows it: write it in full, or leave it out";
    lines.map(|(at, _)| Finding::new(path, fence.line + 1 + at, message)).collect()
}

fn is_hidden(line: &str) -> bool {
    let line = line.trim_start();
    line == "#" || line.starts_with("# ")
}

#[cfg(test)]
mod tests {
    use super::super::markdown::Markdown;
    use super::check;

    const TEXT: &str = "[`X`] [y]\n\n```\ncode\n```\n\n```rust\n#[test]\n# fn f() {}\n```\n\n```sh\n# shown\n```\n\n```no_run\n# g();\n```\n";

    fn lines(path: &str) -> Vec<usize> {
        check(path, &Markdown::parse(TEXT)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn code_needs_a_language_everywhere() {
        assert_eq!(lines("docs/a.md"), [3, 16]);
    }

    #[test]
    fn a_readme_has_nothing_that_only_rustdoc_shows() {
        assert_eq!(lines("core/README.md"), [3, 16, 1, 9, 17]);
    }
}
