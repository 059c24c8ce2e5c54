//! The id of a record: a digest of namespace, operation, scope and key.

use std::fmt;

use super::{IdempotencyKey, ScopeId};
use crate::hash::{PartDigest, Secret};

/// The id of a record: SHA-256 over the length-prefixed namespace, operation, scope and key. With a
/// [secret](crate::IdempotencyBuilder::secret) it is HMAC-SHA-256. The rule is
/// [record identity](crate::rules::guarantees#record-identity).
///
/// Stores index records only by this id. A client's key therefore never becomes part of a query and cannot choose a
/// Redis slot. `Display` and `Debug` show the first 8 hexadecimal digits, as logs do.
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

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    fn hex(secret: Option<&Secret>) -> String {
        let (key, scope) =
            (IdempotencyKey::new("order-1001").unwrap(), Scope::of("acme").id().unwrap());
        let id = RecordId::new(secret, "payments", &["POST", "/payments"], scope, &key);
        id.0.iter().map(|byte| format!("{byte:02x}")).collect()
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
