//! The id of a record: a digest of namespace, operation, scope and key.

use std::fmt;
use std::str::FromStr;

use super::{IdempotencyKey, ScopeId};
use crate::hash::{PartDigest, Secret};

/// The id of a record: SHA-256 over the length-prefixed namespace, operation, scope and key. With a
/// [secret](crate::IdempotencyBuilder::secret) it is HMAC-SHA-256. The rule is
/// [record identity](crate::rules::guarantees#record-identity).
///
/// Stores index records only by this id. A client's key therefore never becomes part of a query and cannot choose a
/// Redis slot.
///
/// `Display` shows all 64 hexadecimal digits, as log lines and the `instance` of refusals do. `Debug` and spans show the
/// first 8. [`FromStr`] accepts the 64 digits, with or without the prefix `urn:idem:record:` of an `instance`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId([u8; 32]);

impl RecordId {
    pub(crate) fn new(
        secret: Option<&Secret>,
        namespace: &str,
        operation: &[&str],
        scope: ScopeId,
        key: &IdempotencyKey,
    ) -> Self {
        let mut digest = PartDigest::new(secret);
        digest.part(b"idem1");
        digest.part(namespace.as_bytes());
        digest.part(&(operation.len() as u64).to_be_bytes());
        for part in operation {
            digest.part(part.as_bytes());
        }
        digest.part(scope.as_bytes());
        digest.part(key.as_str().as_bytes());
        Self(digest.finish())
    }

    /// Derives the key of a downstream call, such as to a payment provider: a UUID of version 8 that differs by `label`. It
    /// is the same in every attempt, which is the rule of [downstream calls](crate::rules::semantics#downstream-calls).
    pub fn downstream_key(&self, label: &str) -> IdempotencyKey {
        let mut digest = PartDigest::new(None);
        digest.part(b"downstream1");
        digest.part(&self.0);
        digest.part(label.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.finish()[..16]);
        let uuid = uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string();
        IdempotencyKey::new(uuid)
            .unwrap_or_else(|error| unreachable!("a UUID is a valid key: {error}"))
    }

    /// Restores a record id from its 32 stored bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The start of the `instance` of refusals, before the 64 digits of the record id.
pub(crate) const RECORD_URN: &str = "urn:idem:record:";

/// The number of digits in spans and in `Debug`.
const SHORT: usize = 8;

impl RecordId {
    fn write_digits(&self, f: &mut fmt::Formatter<'_>, digits: usize) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(str::from_utf8(&text[..digits]).unwrap_or_default())
    }

    /// Shows the first 8 digits.
    pub(crate) const fn short(&self) -> ShortId<'_> {
        ShortId(self)
    }
}

/// The first 8 digits of a record id.
pub(crate) struct ShortId<'a>(&'a RecordId);

impl fmt::Display for ShortId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_digits(f, SHORT)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_digits(f, 64)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({})", self.short())
    }
}

impl FromStr for RecordId {
    type Err = RecordIdError;

    fn from_str(text: &str) -> Result<Self, RecordIdError> {
        let digits = text.strip_prefix(RECORD_URN).unwrap_or(text).as_bytes();
        if digits.len() != 64 {
            return Err(RecordIdError);
        }
        let value = |digit: u8| char::from(digit).to_digit(16).ok_or(RecordIdError);
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

/// A text is not a record id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record id has 64 hexadecimal digits, with or without `urn:idem:record:` before them")]
#[non_exhaustive]
pub struct RecordIdError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    fn hex(secret: Option<&Secret>) -> String {
        let (key, scope) =
            (IdempotencyKey::new("order-1001").unwrap(), Scope::of("acme").id().unwrap());
        let id = RecordId::new(secret, "payments", &["POST", "/payments"], scope, &key);
        id.to_string()
    }

    #[test]
    fn a_record_id_is_read_from_a_log_line_and_from_an_instance() {
        let id = RecordId::from_bytes(std::array::from_fn(|index| index as u8 * 7));
        let digits = id.to_string();
        assert_eq!(digits.parse(), Ok(id));
        assert_eq!(digits.to_uppercase().parse(), Ok(id));
        assert_eq!(format!("urn:idem:record:{digits}").parse(), Ok(id));
        for text in
            ["", &digits[1..], &format!("{digits}0"), &digits.replace('0', "g"), &"é".repeat(32)]
        {
            assert_eq!(text.parse::<RecordId>(), Err(RecordIdError), "{text}");
        }
        assert_eq!(format!("{id:?}"), format!("RecordId({})", &digits[..8]));
    }

    #[test]
    fn identities_are_frozen() {
        assert_eq!(hex(None), "51950d440bbc0e7c47f1a8143f8d6d6b9c04c463116e9d679b95c5bdaecceb8a");
        assert_eq!(
            hex(Some(&Secret::new(b"secret"))),
            "df9f725172cfe0bac241851f0565ea92e8e51cac8c3b381735a01d4d2be82d2a"
        );
    }
}
