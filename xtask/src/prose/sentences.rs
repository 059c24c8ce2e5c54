//! The sentences of texts, and how long they are.

use super::markdown::{Located, Markdown};
use super::passage::{Kind, Passage};

/// A sentence with more words than this is counted as long.
const LONG: usize = 35;
/// Abbreviations that do not end a sentence.
const ABBREVIATIONS: [&str; 5] = ["e.g.", "i.e.", "cf.", "vs.", "approx."];

#[derive(Debug, Default, PartialEq)]
pub(super) struct Sentences {
    pub(super) count: usize,
    pub(super) commas: usize,
    pub(super) long: usize,
    pub(super) longest: usize,
    /// The path and the line of the paragraph with the longest sentence.
    pub(super) longest_at: String,
}

impl Sentences {
    /// Counts the sentences of Markdown in `passages`, which come as documentation or as files.
    pub(super) fn of<'a>(passages: impl Iterator<Item = &'a Passage>) -> Self {
        let mut sentences = Self::default();
        for passage in passages.filter(|passage| matches!(passage.kind, Kind::Doc | Kind::Markdown))
        {
            for Located { line, text } in Markdown::parse(&passage.text).blocks {
                let at = format!("{}:{}", passage.path, passage.line + line - 1);
                split(&text).iter().for_each(|sentence| sentences.add(sentence, &at));
            }
        }
        sentences
    }

    pub(super) fn commas_per_sentence(&self) -> f64 {
        self.commas as f64 / self.count.max(1) as f64
    }

    fn add(&mut self, sentence: &str, at: &str) {
        let words = words(sentence);
        if words == 0 {
            return;
        }
        self.count += 1;
        self.commas += sentence.matches(',').count();
        self.long += usize::from(words > LONG);
        if words > self.longest {
            self.longest = words;
            at.clone_into(&mut self.longest_at);
        }
    }
}

fn words(sentence: &str) -> usize {
    sentence.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count()
}

/// Splits a paragraph after `.`, `!` and `?`, unless the next word begins in lower case.
fn split(paragraph: &str) -> Vec<String> {
    let mut sentences = vec![String::new()];
    let mut words = paragraph.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if let Some(sentence) = sentences.last_mut() {
            sentence.push_str(word);
            sentence.push(' ');
        }
        if ends(word, words.peek()) {
            sentences.push(String::new());
        }
    }
    sentences
}

fn ends(word: &str, next: Option<&&str>) -> bool {
    let bare = word.trim_end_matches([')', '"', '\'', '”', '*']);
    let stops = bare.ends_with(['.', '!', '?']) && !bare.ends_with("..");
    let goes_on = next.is_some_and(|next| next.starts_with(char::is_lowercase) && *next != "code");
    stops && !goes_on && !ABBREVIATIONS.contains(&bare.trim_start_matches('('))
}

#[cfg(test)]
mod tests {
    use super::super::passage::{Kind, Passage};
    use super::{Sentences, split};

    fn splits(paragraph: &str) -> Vec<String> {
        split(paragraph).iter().map(|sentence| sentence.trim().to_owned()).collect()
    }

    #[test]
    fn splits_at_stops_before_capitals_code_and_digits() {
        let text = "One, two. (Three!) code is four? 5 is \"five.\" End.";
        let expected = ["One, two.", "(Three!)", "code is four?", "5 is \"five.\"", "End.", ""];
        assert_eq!(splits(text), expected);
    }

    #[test]
    fn abbreviations_numbers_and_names_do_not_split() {
        for text in ["Servers (e.g. Redis 7.2) and so on", "What if? it asks, idem.rs and so..."] {
            assert_eq!(splits(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn counts_words_and_commas() {
        let long = "word, ".repeat(36);
        let text = format!("A `f(a, b)` b.\n\n{long}. One, two\n\n* Item");
        let path = "a.md".to_owned();
        let passage = Passage { path, line: 7, kind: Kind::Markdown, text };
        let longest_at = "a.md:9".to_owned();
        let expected = Sentences { count: 4, commas: 37, long: 1, longest: 36, longest_at };
        assert_eq!(Sentences::of([passage].iter()), expected);
    }
}
