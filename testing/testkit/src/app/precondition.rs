//! The precondition of a change.

/// The lines of `If-Match`. Without lines, any version matches.
#[derive(Clone, Debug, Default)]
pub struct IfMatch(Vec<Vec<u8>>);

impl<'a> FromIterator<&'a [u8]> for IfMatch {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(lines: I) -> Self {
        Self(lines.into_iter().map(<[u8]>::to_vec).collect())
    }
}

impl IfMatch {
    /// Returns whether a version matches, given its entity tag without quotes.
    #[must_use]
    pub fn allows(&self, tag: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|line| names(line, tag.as_bytes()))
    }
}

/// Weak tags never match, because they do not distinguish versions.
fn names(line: &[u8], tag: &[u8]) -> bool {
    // Alternates between the text before a tag and the tag.
    let parts: Vec<_> = line.split(|byte| *byte == b'"').collect();
    let mut tags = parts.chunks_exact(2).filter(|part| !part[0].ends_with(b"W/"));
    line.trim_ascii() == b"*" || tags.any(|part| part[1] == tag)
}
