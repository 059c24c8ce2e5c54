//! The parts of a Markdown file that the checks read: paragraphs, headings, links and fences.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use pulldown_cmark::{
    BrokenLink, CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, TextMergeWithOffset,
};

use super::finding::line_at;

#[derive(Default)]
pub(super) struct Markdown {
    /// Paragraphs and list items. A piece of inline code is one word there.
    pub(super) blocks: Vec<Located>,
    /// The anchors of the headings.
    pub(super) anchors: HashSet<String>,
    /// The targets of links and images.
    pub(super) links: Vec<Located>,
    /// The texts in brackets that link to nothing.
    pub(super) unlinked: Vec<Located>,
    pub(super) fences: Vec<Fence>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Located {
    pub(super) line: usize,
    pub(super) text: String,
}

pub(super) struct Fence {
    pub(super) line: usize,
    pub(super) language: String,
    pub(super) code: String,
}

impl Markdown {
    pub(super) fn parse(text: &str) -> Self {
        let mut unlinked = Vec::new();
        let report = |link: BrokenLink<'_>| -> Option<(CowStr<'_>, CowStr<'_>)> {
            unlinked.push(Located::at(text, &link.span, &link.reference));
            None
        };
        let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
        let parser = Parser::new_with_broken_link_callback(text, options, Some(report));
        let mut reader = Reader { text, ..Reader::default() };
        for (event, range) in TextMergeWithOffset::new(parser.into_offset_iter()) {
            reader.take(event, &range);
        }
        Self { unlinked, ..reader.markdown }
    }
}

impl Located {
    fn at(text: &str, range: &Range<usize>, found: &str) -> Self {
        Self { line: line_at(text, range.start), text: found.to_owned() }
    }
}

#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    markdown: Markdown,
    place: Place,
    heading: String,
    /// The number of uses of each anchor.
    used: HashMap<String, usize>,
}

/// The element that the next text belongs to.
#[derive(Clone, Copy, Default, PartialEq)]
enum Place {
    #[default]
    Elsewhere,
    Block,
    Heading,
    Fence,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, range: &Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::CodeBlock) => {
                self.place = Place::Elsewhere;
            }
            Event::Text(text) => self.add(&text, &text),
            Event::Code(code) => self.add("code", &code),
            Event::SoftBreak | Event::HardBreak => self.add(" ", " "),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::Heading { .. } => self.place = Place::Heading,
            Tag::Paragraph | Tag::Item => {
                self.place = Place::Block;
                self.markdown.blocks.push(Located::at(self.text, range, ""));
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(language)) => {
                self.place = Place::Fence;
                let line = line_at(self.text, range.start);
                let language = language.into_string();
                self.markdown.fences.push(Fence { line, language, code: String::new() });
            }
            Tag::CodeBlock(_) | Tag::Table(_) => self.place = Place::Elsewhere,
            Tag::Link { dest_url: target, .. } | Tag::Image { dest_url: target, .. } => {
                self.markdown.links.push(Located::at(self.text, range, &target));
            }
            _ => {}
        }
    }

    /// Adds text to the current element: `prose` to a sentence, `exact` to a heading or a fence.
    fn add(&mut self, prose: &str, exact: &str) {
        match self.place {
            Place::Elsewhere => {}
            Place::Heading => self.heading.push_str(exact),
            Place::Block => {
                let block = self.markdown.blocks.last_mut();
                block.into_iter().for_each(|block| block.text.push_str(prose));
            }
            Place::Fence => {
                let fence = self.markdown.fences.last_mut();
                fence.into_iter().for_each(|fence| fence.code.push_str(exact));
            }
        }
    }

    fn end_heading(&mut self) {
        let mut anchor = anchor(&std::mem::take(&mut self.heading));
        let used = self.used.entry(anchor.clone()).or_default();
        if *used > 0 {
            anchor = format!("{anchor}-{used}");
        }
        *used += 1;
        self.markdown.anchors.insert(anchor);
        self.place = Place::Elsewhere;
    }
}

/// The anchor of a heading, as rustdoc and code forges make it.
fn anchor(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    heading.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::{Markdown, anchor};

    #[test]
    fn anchors_are_lower_case_without_punctuation() {
        assert_eq!(anchor("What is stored?"), "what-is-stored");
        assert_eq!(
            anchor("The `Idempotency-Key` header, at most_once"),
            "the-idempotency-key-header-at-most_once"
        );
    }

    #[test]
    fn repeated_headings_get_numbers() {
        let markdown = Markdown::parse("# One `two`\n\n## Three\n\ntext\n\n## Three\n");
        let mut anchors: Vec<_> = markdown.anchors.into_iter().collect();
        anchors.sort();
        assert_eq!(anchors, ["one-two", "three", "three-1"]);
    }

    #[test]
    fn blocks_are_paragraphs_and_items() {
        let text = "# No\n\nOne `f(a, b)`\n[two](x).\n\n* three\n* four\n\n|a|\n|-|\n|b|\n\n```sh\nno\n```\n";
        let blocks = Markdown::parse(text).blocks.into_iter();
        let blocks: Vec<_> = blocks.map(|block| (block.line, block.text)).collect();
        let expected = [(3, "One code two."), (6, "three"), (7, "four")];
        assert_eq!(blocks, expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn finds_links_and_brackets_without_a_target() {
        let markdown = Markdown::parse("[a](b.md#c)\n\n[`X`] and [`Y`]\n\n[`Y`]: y.md\n");
        let texts = |found: &[super::Located]| -> Vec<_> {
            found.iter().map(|found| (found.line, found.text.clone())).collect()
        };
        assert_eq!(texts(&markdown.links), [(1, "b.md#c".to_owned()), (3, "y.md".to_owned())]);
        assert_eq!(texts(&markdown.unlinked), [(3, "`X`".to_owned())]);
    }
}
