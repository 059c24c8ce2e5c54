//! The name that a client gives to one operation (R1 to R7).

mod header;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

pub use header::KeySyntax;
pub use value::KeyValue;

/// The key that a client sends with every attempt at one operation.
///
/// 1 to 255 printable ASCII characters, not all of them spaces; case matters (R3).
///
/// `Debug` tells the length only, and there is no `Display`: whoever reads a key in a log could
/// ask for the answer stored under it (R40).
///
/// ```
/// # use idem_core::{IdempotencyKey, KeyError};
/// let key = IdempotencyKey::new("order-8471")?;
/// assert_eq!(key.as_str(), "order-8471");
/// assert_eq!(format!("{key:?}"), "IdempotencyKey(10 characters)");
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// How many characters a key has at most (R3).
    pub const MAX_LEN: usize = 255;

    /// Makes a key of its decoded text, without quotes around it.
    ///
    /// # Errors
    ///
    /// [`KeyError::Blank`], [`KeyError::TooLong`] or [`KeyError::Character`] where the text breaks
    /// the rule of that name (R3).
    pub fn new(text: impl AsRef<str> + Into<Box<str>>) -> Result<Self, KeyError> {
        check(text.as_ref()).map(|()| Self(text.into()))
    }

    /// Makes a key of a value, such as the id of a message.
    ///
    /// # Errors
    ///
    /// Where the value is no valid key: see [`IdempotencyKey::new`].
    pub fn of<K: KeyValue + ?Sized>(value: &K) -> Result<Self, KeyError> {
        value.to_key()
    }

    /// The decoded text. It is a secret of the client: keep it out of logs and answers.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(text: &str) -> Result<(), KeyError> {
    if text.len() > IdempotencyKey::MAX_LEN {
        return Err(KeyError::TooLong);
    }
    if !text.bytes().all(is_printable) {
        return Err(KeyError::Character);
    }
    if text.bytes().all(|byte| byte == b' ') {
        return Err(KeyError::Blank);
    }
    Ok(())
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

impl FromStr for IdempotencyKey {
    type Err = KeyError;

    /// [`IdempotencyKey::new`].
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::new(text)
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = KeyError;

    /// [`IdempotencyKey::new`].
    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::new(text)
    }
}

impl AsRef<str> for IdempotencyKey {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({} characters)", self.0.len())
    }
}

/// Why something is no idempotency key, and what to send instead. It never holds the key's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The header has several lines, be they equal or not (R4).
    #[error("the idempotency key is sent more than once; send one header line with one key")]
    Repeated,

    /// The key is empty or all spaces (R5).
    #[error("the idempotency key is empty; send 1 to 255 printable ASCII characters")]
    Blank,

    /// The key has more than [`IdempotencyKey::MAX_LEN`] characters (R3).
    #[error("the idempotency key is too long; send at most 255 characters")]
    TooLong,

    /// The key has a character that is not printable ASCII (R3).
    #[error("the idempotency key has a character that is not printable ASCII; send only such")]
    Character,

    /// The header is neither a String of RFC 9651 nor a bare key (R1): a list, say, or an
    /// unbalanced quote.
    #[error("the idempotency key is malformed; send one key in double quotes")]
    Malformed,

    /// The key stands without quotes where [`KeySyntax::Strict`] wants them.
    #[error("the idempotency key is not quoted; send it in double quotes")]
    Unquoted,
}
