//! The key as a header carries it: a String of RFC 9651, or bare text (R1, R2).

use super::{IdempotencyKey, KeyError, is_printable};

/// Which forms of the header are keys (R1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySyntax {
    /// `"8e03978e"` or `8e03978e`, which are the same key: most clients send the bare form.
    #[default]
    Lenient,
    /// `"8e03978e"` only, a String of RFC 9651 as the IETF draft asks.
    Strict,
}

impl IdempotencyKey {
    /// Reads the key from all the lines of its header; `None` where there are none.
    ///
    /// Parameters after a quoted key are ignored (R2). An empty line is an error, because a client
    /// that sends the header asks for protection (R5).
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
    /// [`KeyError::Repeated`] for several lines (R4); [`KeyError::Malformed`] or
    /// [`KeyError::Unquoted`] for a line that is not in the form that `syntax` wants; the errors
    /// of [`IdempotencyKey::new`] for the text inside.
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

/// Whatever no list, String or other structure of RFC 9651 could be taken for.
fn bare(value: &str) -> Result<IdempotencyKey, KeyError> {
    let starts = value
        .starts_with(|first: char| first.is_ascii_alphanumeric() || matches!(first, '_' | '-'));
    if !starts || value.bytes().any(|byte| matches!(byte, b' ' | b'"' | b',' | b';' | b'\\')) {
        return Err(KeyError::Malformed);
    }
    IdempotencyKey::new(value)
}
