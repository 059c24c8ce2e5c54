//! The idempotency key of one operation.

use std::fmt;

use http::HeaderValue;
use sfv::{ItemSerializer, StringRef};
use thiserror::Error;
use uuid::Uuid;

/// The idempotency key of one operation. It is made once and sent unchanged with every attempt.
///
/// A key has 1 to 255 printable ASCII characters, not all of them spaces. It is sent as a String of RFC 9651,
/// in double quotes, as the IETF draft specifies. [`bare`](Self::bare) omits the quotes.
///
/// The quoted and the bare form of one text are not equal here: a server that does not support structured
/// fields treats the quotes as a part of the key.
///
/// Do not put personal or secret data into a key: the service and the systems in between may log it. `Debug` shows
/// only the length, and `Display` is not implemented.
///
/// ```
/// # use idem_client::{IdempotencyKey, KeyError};
/// let key = IdempotencyKey::new("order-8471")?;
/// assert_eq!(key.as_str(), "order-8471");
/// assert_eq!(key.to_header(), r#""order-8471""#);
/// assert_eq!(key.bare()?.to_header(), "order-8471");
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    text: Box<str>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Quoted,
    Bare,
}

impl IdempotencyKey {
    /// The maximum length of a key, in characters. Some services accept at most 64, 45 or 36.
    pub const MAX_LEN: usize = 255;

    /// Creates a random key, a version 4 UUID. Use it for a new operation, never for another attempt at an
    /// earlier one.
    #[must_use]
    pub fn random() -> Self {
        Self { text: Uuid::new_v4().to_string().into(), form: Form::Quoted }
    }

    /// Creates a key from the given text.
    ///
    /// # Errors
    /// If the text is not a valid key; [`KeyError`] names the rule.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, KeyError> {
        let text = text.into();
        check(&text).map(|()| Self { text, form: Form::Quoted })
    }

    /// Returns the key in its bare form, without quotes: for services that count the quotes as characters, or
    /// reject them.
    ///
    /// # Errors
    /// [`KeyError::Bare`] if the text needs quotes.
    pub fn bare(mut self) -> Result<Self, KeyError> {
        if !can_be_bare(&self.text) {
            return Err(KeyError::Bare);
        }
        self.form = Form::Bare;
        Ok(self)
    }

    /// The text of the key, without quotes.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value of the header. Store a key as this value, which keeps its form.
    /// [`from_header`](Self::from_header) parses it.
    pub fn to_header(&self) -> String {
        match self.form {
            Form::Quoted => ItemSerializer::new().bare_item(self.as_string_ref()).finish(),
            Form::Bare => self.text.to_string(),
        }
    }

    /// Parses the value of a header, from [`to_header`](Self::to_header) or from another client. The value is
    /// a String of RFC 9651, whose parameters are dropped, or bare text.
    ///
    /// # Errors
    /// If the value is not a valid key; [`KeyError`] names the rule.
    pub fn from_header(header: &str) -> Result<Self, KeyError> {
        let header = header.trim_matches([' ', '\t']);
        if !header.starts_with('"') {
            return Self::new(header)?.bare();
        }
        let item: sfv::Item = sfv::Parser::new(header).parse().map_err(|_| KeyError::Malformed)?;
        Self::new(item.bare_item.as_string().ok_or(KeyError::Malformed)?.as_str())
    }

    fn as_string_ref(&self) -> &StringRef {
        #[expect(clippy::expect_used, reason = "`check` accepts only printable ASCII")]
        StringRef::from_str(&self.text).expect("printable ASCII is a String of RFC 9651")
    }
}

/// The header value of the key, as in `.header("PayPal-Request-Id", &key)`. It is marked as sensitive, so that
/// `Debug` does not show it and the header tables of HTTP/2 do not store it.
impl From<&IdempotencyKey> for HeaderValue {
    fn from(key: &IdempotencyKey) -> Self {
        #[expect(clippy::expect_used, reason = "`check` accepts only printable ASCII")]
        let mut value = Self::from_str(&key.to_header()).expect("printable ASCII fits a header");
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({} characters)", self.text.len())
    }
}

fn check(text: &str) -> Result<(), KeyError> {
    if text.len() > IdempotencyKey::MAX_LEN {
        return Err(KeyError::TooLong);
    }
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(KeyError::Character);
    }
    if text.bytes().all(|byte| byte == b' ') {
        return Err(KeyError::Blank);
    }
    Ok(())
}

/// Returns whether a text can be sent without quotes. Rejects anything that could be an RFC 9651 list, string
/// or other structured value.
fn can_be_bare(text: &str) -> bool {
    let starts =
        text.starts_with(|first: char| first.is_ascii_alphanumeric() || "_-".contains(first));
    starts && !text.contains([' ', '"', ',', ';', '\\'])
}

/// The reason why a key is invalid. It never contains the text of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is empty, or has only spaces.
    #[error("the idempotency key is empty; use 1 to 255 printable ASCII characters")]
    Blank,
    /// The key has more than [`IdempotencyKey::MAX_LEN`] characters.
    #[error("the idempotency key is too long; use at most 255 characters")]
    TooLong,
    /// The key contains a character that is not printable ASCII.
    #[error(
        "the idempotency key contains a character that is not printable ASCII; use only characters from space to `~`"
    )]
    Character,
    /// The key cannot be sent without quotes.
    #[error(
        "the idempotency key cannot be sent without quotes; start it with a letter, a digit, `_` or `-`, and do not use a space, quote, comma, semicolon or backslash"
    )]
    Bare,
    /// The key starts with a quote and is not a String of RFC 9651.
    #[error("the idempotency key is malformed; send one key in double quotes")]
    Malformed,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn random_keys_are_quoted_uuids_and_differ() {
        let key = IdempotencyKey::random();
        assert_eq!(Uuid::parse_str(key.as_str()).unwrap().get_version_num(), 4);
        assert_eq!(key.to_header(), format!("\"{}\"", key.as_str()));
        assert_ne!(key, IdempotencyKey::random());
    }

    #[test]
    fn both_forms_can_be_stored_and_parsed() {
        for text in ["8e03978e-40d5", "a b", r#"q"\"#, "~!", "_", &"x".repeat(255)] {
            let key = IdempotencyKey::new(text).unwrap();
            let parsed = IdempotencyKey::from_header(&key.to_header()).unwrap();
            assert_eq!((&parsed, parsed.as_str()), (&key, text));
        }
        let bare = IdempotencyKey::random().bare().unwrap();
        assert_eq!(IdempotencyKey::from_header(&bare.to_header()), Ok(bare.clone()));
        assert_ne!(IdempotencyKey::new(bare.as_str()), Ok(bare));
    }

    #[test]
    fn invalid_keys_are_rejected_with_the_reason() {
        for (header, why) in [
            ("", KeyError::Blank),
            (r#""""#, KeyError::Blank),
            (r#""  ""#, KeyError::Blank),
            ("a b", KeyError::Bare),
            ("a,b", KeyError::Bare),
            ("?1", KeyError::Bare),
            ("é", KeyError::Character),
            (r#""a", "b""#, KeyError::Malformed),
            (r#""a"#, KeyError::Malformed),
        ] {
            assert_eq!(IdempotencyKey::from_header(header), Err(why), "{header}");
        }
        assert_eq!(IdempotencyKey::new("x".repeat(256)), Err(KeyError::TooLong));
        assert_eq!(IdempotencyKey::from_header(r#""a";v=1"#), IdempotencyKey::new("a"));
    }

    #[test]
    fn debug_shows_neither_the_key_nor_its_header() {
        let key = IdempotencyKey::new("planted").unwrap();
        assert_eq!(format!("{key:?}"), "IdempotencyKey(7 characters)");
        assert_eq!(format!("{:?}", HeaderValue::from(&key)), "Sensitive");
    }
}
