//! The parser of the key header: a string of RFC 9651, or bare text.

use super::{IdempotencyKey, KeyError};

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

/// What a key may contain, as bits. A table, because every request with a key is checked.
const PRINTABLE: u8 = 1;
/// Printable, and not part of any RFC 9651 list, string or parameter.
const BARE: u8 = 2;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        classes[byte as usize] = match byte {
            b' ' | b'"' | b',' | b';' | b'\\' => PRINTABLE,
            _ => PRINTABLE | BARE,
        };
        byte += 1;
    }
    classes
};

fn parse(line: &[u8], syntax: KeySyntax) -> Result<IdempotencyKey, KeyError> {
    let value = trim(line);
    let classes =
        value.iter().fold(PRINTABLE | BARE, |classes, &byte| classes & CLASSES[usize::from(byte)]);
    let Some(text) = str::from_utf8(value).ok().filter(|_| classes & PRINTABLE != 0) else {
        return Err(KeyError::Character);
    };
    match value {
        [] => Err(KeyError::Blank),
        [b'"', ..] => quoted(text),
        _ if syntax == KeySyntax::Strict => Err(KeyError::Unquoted),
        [first, ..] if classes & BARE != 0 && may_start(*first) => IdempotencyKey::of_checked(text),
        _ => Err(KeyError::Malformed),
    }
}

/// Removes the spaces and tabs around the value.
fn trim(mut line: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = line {
        line = rest;
    }
    line
}

/// Whether a bare key may begin with this byte.
const fn may_start(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn quoted(value: &str) -> Result<IdempotencyKey, KeyError> {
    let item: sfv::Item = sfv::Parser::new(value).parse().map_err(|_| KeyError::Malformed)?;
    let text = item.bare_item.as_string().ok_or(KeyError::Malformed)?;
    IdempotencyKey::new(text.as_str())
}
