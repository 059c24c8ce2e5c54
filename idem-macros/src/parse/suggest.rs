//! Texts for messages: near names, lists of names and the user's own code.

use quote::ToTokens;

/// Returns the known word that `word` is probably a misspelling of.
pub(super) fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the tokens as a person writes them: `web::Json<u64>` in place of `web :: Json < u64 >`.
pub(crate) fn source(tokens: impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    [(" :: ", "::"), (" < ", "<"), (" >", ">"), (" : ", ": "), (" ,", ","), (" . ", ".")]
        .iter()
        .fold(text, |text, (written, source)| text.replace(written, source))
}

/// Returns the words as `` `a`, `b`, `c` ``.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// Returns `` did you mean `a`?  ``, or an empty string if there is no near word.
pub(super) fn hint(closest: Option<&str>) -> String {
    closest.map_or_else(String::new, |word| format!("did you mean `{word}`? "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_word_within_reach_is_suggested() {
        for (word, expected) in [
            ("tenan", Some("tenant")),
            ("tennats", Some("tenants")),
            ("ap", Some("app")),
            ("id", None),
            ("payment", None),
        ] {
            assert_eq!(closest(word, ["tenants", "tenant", "app"]), expected, "{word}");
        }
    }
}
