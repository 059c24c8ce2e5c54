//! The parser of the key header: a string of RFC 9651, or bare text.

use super::{IdempotencyKey, KeyError, is_printable};

/// The accepted forms of the key header: [key syntax](crate::rules::semantics#key-syntax).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySyntax {
    /// `"8e03978e"` or `8e03978e`. Both are the same key. Most clients send the bare form.
    #[default]
    Lenient,
    /// Only `"8e03978e"`, a string of RFC 9651, as the IETF draft requires.
    Strict,
}

impl IdempotencyKey {
    /// Parses the key from all lines of its header. Returns `None` if there are no lines.
    ///
    /// Parameters after a quoted key are ignored. An empty line is an error, because a client that sends the header
    /// expects protection.
    ///
    /// ```
    /// # use idem_core::{IdempotencyKey, KeyError};
    /// # use idem_core::http::KeySyntax;
    /// let quoted = IdempotencyKey::from_header([&br#""order-8471""#[..]], KeySyntax::Strict)?;
    /// let bare = IdempotencyKey::from_header([&b"order-8471"[..]], KeySyntax::Lenient)?;
    /// assert_eq!(quoted, bare);
    ///
    /// let twice = [&b"order-8471"[..], b"order-8471"];
    /// let repeated = IdempotencyKey::from_header(twice, KeySyntax::Lenient);
    /// assert_eq!(repeated, Err(KeyError::Repeated));
    /// # Ok::<(), KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// * [`KeyError::Repeated`] if there are several lines.
    /// * [`KeyError::Malformed`] or [`KeyError::Unquoted`] if the line does not have a form that `syntax` accepts.
    /// * The errors of [`IdempotencyKey::new`] for the decoded text.
    pub fn from_header<'a>(
        lines: impl IntoIterator<Item = &'a [u8]>,
        syntax: KeySyntax,
    ) -> Result<Option<Self>, KeyError> {
        let mut lines = lines.into_iter();
        let Some(line) = lines.next() else {
            return Ok(None);
        };
        if lines.next().is_some() {
            return Err(KeyError::Repeated);
        }
        parse(line, syntax).map(Some)
    }
}

fn parse(line: &[u8], syntax: KeySyntax) -> Result<IdempotencyKey, KeyError> {
    let line = str::from_utf8(line).map_err(|_| KeyError::Character)?;
    let value = line.trim_matches(|end| matches!(end, ' ' | '\t'));
    if !value.bytes().all(is_printable) {
        return Err(KeyError::Character);
    }
    match value.as_bytes() {
        [] => Err(KeyError::Blank),
        [b'"', ..] => quoted(value),
        _ if syntax == KeySyntax::Strict => Err(KeyError::Unquoted),
        _ => bare(value),
    }
}

fn quoted(value: &str) -> Result<IdempotencyKey, KeyError> {
    let item: sfv::Item = sfv::Parser::new(value).parse().map_err(|_| KeyError::Malformed)?;
    let text = item.bare_item.as_string().ok_or(KeyError::Malformed)?;
    IdempotencyKey::new(text.as_str())
}

/// Parses a bare key. Rejects anything that could be an RFC 9651 list, string or other structured value.
fn bare(value: &str) -> Result<IdempotencyKey, KeyError> {
    let starts = value
        .starts_with(|first: char| first.is_ascii_alphanumeric() || matches!(first, '_' | '-'));
    if !starts || value.bytes().any(|byte| matches!(byte, b' ' | b'"' | b',' | b';' | b'\\')) {
        return Err(KeyError::Malformed);
    }
    IdempotencyKey::new(value)
}
