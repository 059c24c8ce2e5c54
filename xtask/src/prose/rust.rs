//! The passages of a Rust file, found with the lexer of `proc-macro2`.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};

use super::finding::line_at;
use super::passage::{Kind, Passage, without_markers};

/// The passages of a file in their order. A file that does not lex has none.
pub(super) fn passages(path: &str, text: &str) -> Vec<Passage> {
    let Ok(stream) = text.parse() else {
        return Vec::new();
    };
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    let mut reader =
        Reader { path, text, end: 0, after_fn: false, after_doc: false, passages: Vec::new() };
    tokens.into_iter().for_each(|token| reader.take(token));
    reader.take(text.len()..text.len());
    reader.passages
}

/// Collects the ranges of all tokens, including delimiters.
fn flatten(stream: TokenStream, tokens: &mut Vec<Range<usize>>) {
    for tree in stream {
        let TokenTree::Group(group) = tree else {
            tokens.push(tree.span().byte_range());
            continue;
        };
        tokens.push(group.span_open().byte_range());
        flatten(group.stream(), tokens);
        tokens.push(group.span_close().byte_range());
    }
}

struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    /// The end of the previous token.
    end: usize,
    after_fn: bool,
    after_doc: bool,
    passages: Vec<Passage>,
}

impl Reader<'_> {
    fn take(&mut self, token: Range<usize>) {
        if token.start < self.end {
            return; // The lexer turns a documentation comment into several tokens with one span.
        }
        let text = self.text;
        let (gap, token_text) = (&text[self.end..token.start], &text[token.clone()]);
        if !gap.trim().is_empty() {
            self.push(Kind::Comment, self.end, without_markers(gap));
        }
        let is_doc = token_text.starts_with("//") || token_text.starts_with("/*");
        if is_doc {
            self.doc(gap, token.start, token_text);
        } else if token_text.starts_with(['"', 'r']) && token_text.ends_with(['"', '#']) {
            self.push(Kind::Literal, token.start, unescape(token_text));
        } else if self.after_fn {
            self.push(Kind::Name, token.start, token_text.replace('_', " "));
        }
        (self.after_fn, self.after_doc) = (token_text == "fn", is_doc);
        self.end = token.end;
    }

    /// Adds a line of documentation. Adjacent lines become one passage.
    fn doc(&mut self, gap: &str, start: usize, comment: &str) {
        let line = comment.get(3..).unwrap_or_default().trim_end_matches("*/");
        let line = line.strip_prefix(' ').unwrap_or(line);
        match self.passages.last_mut() {
            Some(Passage { text, .. }) if self.after_doc && gap.trim_matches(' ') == "\n" => {
                text.push('\n');
                text.push_str(line);
            }
            _ => self.push(Kind::Doc, start, line.to_owned()),
        }
    }

    fn push(&mut self, kind: Kind, start: usize, text: String) {
        let line = line_at(self.text, start);
        self.passages.push(Passage { path: self.path.to_owned(), line, kind, text });
    }
}

/// Replaces the escapes of a literal, so that `\n` does not put an `n` before a word.
fn unescape(literal: &str) -> String {
    literal.replace("\\\n", " \n").replace("\\n", " .")
}

#[cfg(test)]
mod tests {
    use super::super::passage::Kind::{Comment, Doc, Literal, Name};
    use super::passages;

    #[test]
    fn finds_each_kind_with_its_line() {
        let file = "//! Crate.\n\n/// One,\n/// two.\nfn is_run(\n/// Three.\n_: u8) {\n    // Why\n    // so.\n    f(r#\"a \\\n b\"#, '\"');\n}\n// End.\n";
        let found = passages("a.rs", file).into_iter();
        let found: Vec<_> = found.map(|found| (found.kind, found.line, found.text)).collect();
        let expected = [
            (Doc, 1, "Crate."),
            (Doc, 3, "One,\ntwo."),
            (Name, 5, "is run"),
            (Doc, 6, "Three."),
            (Comment, 7, "\nWhy\nso.\n"),
            (Literal, 10, "r#\"a  \n b\"#"),
            (Comment, 12, "\nEnd."),
        ];
        assert_eq!(found, expected.map(|(kind, line, text)| (kind, line, text.to_owned())));
    }
}
