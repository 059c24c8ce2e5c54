//! The name of one operation, as a header carries it (R1 to R3).

use std::fmt;

use http::HeaderValue;
use sfv::{ItemSerializer, StringRef};
use thiserror::Error;
use uuid::Uuid;

/// The key of one operation: made once, sent unchanged with every attempt at it.
///
/// 1 to 255 printable ASCII characters, not all of them spaces. It is sent as a String of RFC 9651, in
/// double quotes, as the IETF draft asks; [`bare`](Self::bare) makes one without.
///
/// Two forms of one text are two keys here, because a server that knows nothing of structured fields
/// takes the quotes for a part of the key.
///
/// Put nothing into a key that says who or what it is for: it travels and is kept in many places.
/// `Debug` tells the length only, and there is no `Display`.
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
    /// How many characters a key has at most (R3). Some services take fewer: 64, 45, even 36.
    pub const MAX_LEN: usize = 255;

    /// A new random key, a version 4 UUID: for a new operation, never for another attempt at an old one.
    #[must_use]
    pub fn random() -> Self {
        Self { text: Uuid::new_v4().to_string().into(), form: Form::Quoted }
    }

    /// A key with a text of your own, such as one that you kept.
    ///
    /// # Errors
    /// Where the text breaks a rule that [`KeyError`] names.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, KeyError> {
        let text = text.into();
        check(&text).map(|()| Self { text, form: Form::Quoted })
    }

    /// The same text, sent without quotes: for services that count the quotes among the characters, or
    /// refuse them.
    ///
    /// # Errors
    /// [`KeyError::Bare`] where the text needs quotes.
    pub fn bare(mut self) -> Result<Self, KeyError> {
        if !can_be_bare(&self.text) {
            return Err(KeyError::Bare);
        }
        self.form = Form::Bare;
        Ok(self)
    }

    /// The text, without quotes around it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands in the header: text and form, so it is also what to keep.
    /// [`from_header`](Self::from_header) reads it.
    pub fn to_header(&self) -> String {
        match self.form {
            Form::Quoted => ItemSerializer::new().bare_item(self.as_string_ref()).finish(),
            Form::Bare => self.text.to_string(),
        }
    }

    /// Reads what [`to_header`](Self::to_header) wrote, or another client: a String of RFC 9651, whose
    /// parameters are dropped, or bare text.
    ///
    /// # Errors
    /// Where it is no key: see [`KeyError`].
    pub fn from_header(header: &str) -> Result<Self, KeyError> {
        let header = header.trim_matches([' ', '\t']);
        if !header.starts_with('"') {
            return Self::new(header)?.bare();
        }
        let item: sfv::Item = sfv::Parser::new(header).parse().map_err(|_| KeyError::Malformed)?;
        Self::new(item.bare_item.as_string().ok_or(KeyError::Malformed)?.as_str())
    }

    fn as_string_ref(&self) -> &StringRef {
        #[expect(clippy::expect_used, reason = "`check` lets printable ASCII through only")]
        StringRef::from_str(&self.text).expect("printable ASCII is a String of RFC 9651")
    }
}

/// For `.header("PayPal-Request-Id", &key)`. The value is marked as sensitive, so that neither `Debug` nor
/// the header tables of HTTP/2 keep it.
impl From<&IdempotencyKey> for HeaderValue {
    fn from(key: &IdempotencyKey) -> Self {
        #[expect(clippy::expect_used, reason = "`check` lets printable ASCII through only")]
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

/// Whatever no list, String or other structure of RFC 9651 could be taken for (R1).
fn can_be_bare(text: &str) -> bool {
    let starts =
        text.starts_with(|first: char| first.is_ascii_alphanumeric() || "_-".contains(first));
    starts && !text.contains([' ', '"', ',', ';', '\\'])
}

/// Why something is no key. It never holds the key's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is empty or all spaces.
    #[error("the idempotency key is empty; use 1 to 255 printable ASCII characters")]
    Blank,
    /// It has more than [`IdempotencyKey::MAX_LEN`] characters.
    #[error("the idempotency key is too long; use at most 255 characters")]
    TooLong,
    /// It has a character that is not printable ASCII.
    #[error("the idempotency key has a character that is not printable ASCII; use only such")]
    Character,
    /// It cannot be sent without quotes.
    #[error(
        "the idempotency key needs quotes; begin it with a letter, a digit, `_` or `-`, and use no space, quote, comma, semicolon or backslash"
    )]
    Bare,
    /// It begins with a quote and is no String of RFC 9651.
    #[error("the idempotency key is malformed; put one key between double quotes")]
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
    fn both_forms_survive_being_kept() {
        for text in ["8e03978e-40d5", "a b", r#"q"\"#, "~!", "_", &"x".repeat(255)] {
            let key = IdempotencyKey::new(text).unwrap();
            let kept = IdempotencyKey::from_header(&key.to_header()).unwrap();
            assert_eq!((&kept, kept.as_str()), (&key, text));
        }
        let bare = IdempotencyKey::random().bare().unwrap();
        assert_eq!(IdempotencyKey::from_header(&bare.to_header()), Ok(bare.clone()));
        assert_ne!(IdempotencyKey::new(bare.as_str()), Ok(bare));
    }

    #[test]
    fn what_is_no_key_says_why() {
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
    fn neither_the_key_nor_its_header_shows_in_debug() {
        let key = IdempotencyKey::new("planted").unwrap();
        assert_eq!(format!("{key:?}"), "IdempotencyKey(7 characters)");
        assert_eq!(format!("{:?}", HeaderValue::from(&key)), "Sensitive");
    }
}
