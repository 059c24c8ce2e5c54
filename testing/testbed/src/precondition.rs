//! What a change asks of the version that it changes.

/// The lines of `If-Match`; none if any version will do.
#[derive(Clone, Debug, Default)]
pub struct IfMatch(Vec<Vec<u8>>);

impl<'a> FromIterator<&'a [u8]> for IfMatch {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(lines: I) -> Self {
        Self(lines.into_iter().map(<[u8]>::to_vec).collect())
    }
}

impl IfMatch {
    /// Whether it names a version by its tag, which comes without quotes.
    #[must_use]
    pub fn allows(&self, tag: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|line| names(line, tag.as_bytes()))
    }
}

/// Weak tags name nothing: they do not tell versions apart.
fn names(line: &[u8], tag: &[u8]) -> bool {
    // What precedes a tag, and the tag, in turn.
    let parts: Vec<_> = line.split(|byte| *byte == b'"').collect();
    let mut tags = parts.chunks_exact(2).filter(|part| !part[0].ends_with(b"W/"));
    line.trim_ascii() == b"*" || tags.any(|part| part[1] == tag)
}
