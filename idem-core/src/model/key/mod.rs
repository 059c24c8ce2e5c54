//! The idempotency key that a client sends.

mod format;
mod header;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use format::rounded;

pub use format::KeyFormat;
pub use header::KeySyntax;
pub use value::KeyValue;

/// The key that a client sends with every attempt of one operation.
///
/// A key has 1 to 255 printable ASCII characters, and at least one of them is not a space. Keys are case-sensitive.
/// The rule is [key length and characters](crate::rules::semantics#key-length-and-characters).
///
/// `Debug` shows only the length, and `Display` is not implemented. A key gives access to the stored response, so it
/// must not appear in logs.
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
    /// The maximum length of a key, in characters.
    pub const MAX_LEN: usize = 255;

    /// Creates a key from its decoded text, without the quotes of the header.
    ///
    /// # Errors
    ///
    /// [`KeyError::Blank`], [`KeyError::TooLong`] or [`KeyError::Character`] if the text is not a valid key.
    pub fn new(text: impl AsRef<str> + Into<Box<str>>) -> Result<Self, KeyError> {
        check(text.as_ref()).map(|()| Self(text.into()))
    }

    /// Creates a key from text that is known to be printable and not blank.
    fn of_checked(text: &str) -> Result<Self, KeyError> {
        if text.len() > Self::MAX_LEN {
            return Err(KeyError::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// Creates a key from a value, such as the id of a message.
    ///
    /// # Errors
    ///
    /// If the value is not a valid key: see [`IdempotencyKey::new`].
    pub fn of<K: KeyValue + ?Sized>(value: &K) -> Result<Self, KeyError> {
        value.to_key()
    }

    /// The decoded text. It is a secret of the client: do not put it into logs or responses.
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

    /// Calls [`IdempotencyKey::new`].
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::new(text)
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = KeyError;

    /// Calls [`IdempotencyKey::new`].
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

/// The reason why a key is invalid. The message states what to send instead, and does not contain the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The header has several lines: [repeated key header](crate::rules::semantics#repeated-key-header).
    #[error("the idempotency key is sent more than once; send one header line with one key")]
    Repeated,

    /// The key is empty or blank:
    /// [empty or malformed key](crate::rules::semantics#empty-or-malformed-key).
    #[error("the idempotency key is empty or blank; send 1 to 255 printable ASCII characters")]
    Blank,

    /// The key has more than [`IdempotencyKey::MAX_LEN`] characters.
    #[error("the idempotency key is too long; send at most 255 characters")]
    TooLong,

    /// The key has fewer characters than the service requires.
    #[error("the idempotency key is too short; send at least {0} characters")]
    TooShort(usize),

    /// The headers that can carry the key have different keys.
    #[error("the headers of the idempotency key have different keys; send one of them")]
    Contradictory,

    /// The key has a character that is not printable ASCII.
    #[error(
        "the idempotency key has a character that is not printable ASCII; send printable ASCII characters only"
    )]
    Character,

    /// The header is neither a string of RFC 9651 nor a bare key, for example a list or an unbalanced quote:
    /// [key syntax](crate::rules::semantics#key-syntax).
    #[error("the idempotency key is malformed; send one key in double quotes")]
    Malformed,

    /// The key has no quotes, and [`KeySyntax::Strict`] requires them.
    #[error("the idempotency key is not quoted; send it in double quotes")]
    Unquoted,

    /// The key is not a UUID, and the [format](KeyFormat) requires one.
    #[error("the idempotency key is not a UUID; send a random one for each operation")]
    NotUuid,

    /// The key is a UUID of another version, and [`KeyFormat::UuidV7`] is required.
    #[error("the idempotency key is not a UUID of version 7; send a new one for each operation")]
    NotUuidV7,

    /// The key was created longer ago than [`Policy::max_age`](crate::Policy::max_age).
    #[error(
        "the idempotency key was created {} ago; retries are possible for {}",
        rounded(*age),
        rounded(*max_age)
    )]
    TooOld {
        /// The time since the creation of the key, by the clock of the client that created it.
        age: Duration,
        /// The maximum age.
        max_age: Duration,
    },

    /// The time in the key is more than 5 minutes ahead of the clock of this process.
    #[error("the idempotency key was created in the future; correct the clock of the client")]
    InTheFuture,
}
