//! Banned words and phrases.

use super::finding::Finding;
use super::passage::Passage;

/// The banned phrases, each with a hint.
pub(super) struct Phrases(Vec<Phrase>);

struct Phrase {
    text: String,
    words: Vec<String>,
    hint: String,
}

impl Phrases {
    /// Reads the list in `words.txt`.
    pub(super) fn list() -> Self {
        Self::parse(include_str!("words.txt"))
    }

    /// Reads lines of the form `phrase = hint`; `#` begins a comment.
    fn parse(list: &str) -> Self {
        let lines = list.lines().filter(|line| !line.starts_with('#'));
        let phrases = lines.filter_map(|line| line.split_once(" = "));
        Self(phrases.map(|(phrase, hint)| Phrase::new(phrase, hint)).collect())
    }

    pub(super) fn check(&self, passage: &Passage) -> Vec<Finding> {
        let words = words(&passage.text);
        let starts = (0..words.len()).map(|start| &words[start..]);
        starts.filter_map(|words| self.at(passage, words)).collect()
    }

    fn at(&self, passage: &Passage, words: &[Word]) -> Option<Finding> {
        let phrase = self.0.iter().find(|phrase| phrase.begins(words))?;
        let message = format!("\"{}\": write instead: {}", phrase.text, phrase.hint);
        Some(Finding::new(&passage.path, passage.line + words.first()?.line, message))
    }
}

impl Phrase {
    fn new(phrase: &str, hint: &str) -> Self {
        let words = words(phrase).into_iter().map(|word| word.text).collect();
        Self { text: phrase.to_owned(), words, hint: hint.to_owned() }
    }

    fn begins(&self, words: &[Word]) -> bool {
        words.len() >= self.words.len()
            && words.iter().zip(&self.words).all(|(word, expected)| word.text == *expected)
    }
}

/// A word in lower case. Punctuation becomes an empty word, so that no phrase matches across it.
struct Word {
    text: String,
    /// The number of line breaks before the word.
    line: usize,
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for (line, text) in text.split('\n').enumerate() {
        let parts = text.split_inclusive(|part: char| !part.is_alphanumeric() && part != '_');
        for part in parts {
            let word = part.trim_end_matches(|part: char| !part.is_alphanumeric() && part != '_');
            if !word.is_empty() {
                words.push(Word { text: word.to_lowercase(), line });
            }
            if !part[word.len()..].trim_matches([' ', '\t', '-', '\'', '’']).is_empty() {
                words.push(Word { text: String::new(), line });
            }
        }
        if text.trim().is_empty() {
            words.push(Word { text: String::new(), line });
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::passage::{Kind, Passage};
    use super::Phrases;

    const LIST: &str = "# a comment\ngladly = \"with pleasure\"\nin half-time = \"in the break\"";

    fn lines(text: &str) -> Vec<usize> {
        let path = "a.md".to_owned();
        let passage = Passage { path, line: 10, kind: Kind::Markdown, text: text.to_owned() };
        Phrases::parse(LIST).check(&passage).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn finds_phrases_over_line_breaks() {
        assert_eq!(lines("He Gladly's\ncame in\nhalf-time, gladly"), [10, 11, 12]);
    }

    #[test]
    fn phrases_do_not_cross_punctuation_or_names() {
        assert_eq!(lines("come in. Half time. `do_gladly`\nin\n\nhalf time"), [0; 0]);
    }

    #[test]
    fn every_phrase_of_the_list_is_found() {
        let phrases = Phrases::list();
        assert!(phrases.0.len() > 10);
        for phrase in &phrases.0 {
            let text = format!("If {} does.", phrase.text);
            let path = "a.md".to_owned();
            let passage = Passage { path, line: 1, kind: Kind::Markdown, text };
            assert_eq!(phrases.check(&passage).len(), 1, "{}", phrase.text);
        }
    }

    #[test]
    fn findings_name_the_place_and_the_hint() {
        let path = "a.md".to_owned();
        let text = "Gladly.".to_owned();
        let found = Phrases::parse(LIST).check(&Passage { path, line: 3, kind: Kind::Doc, text });
        assert_eq!(found[0].to_string(), "a.md:3: \"gladly\": write instead: \"with pleasure\"");
    }
}
