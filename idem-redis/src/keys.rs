//! The names of keys.

use idem_core::store::{RecordId, ScopeId};

const ID: usize = 64;

/// What all keys of a store begin with.
pub(crate) struct Keys {
    prefix: Box<str>,
}

impl Keys {
    pub(crate) fn new(namespace: &str) -> Self {
        Self { prefix: format!("idem:{namespace}:").into() }
    }

    /// The key of a record: the prefix and 64 hex digits, so that no client chooses a slot.
    pub(crate) fn of(&self, id: RecordId) -> Box<[u8]> {
        let mut key = vec![0; self.prefix.len() + ID];
        let (prefix, digits) = key.split_at_mut(self.prefix.len());
        prefix.copy_from_slice(self.prefix.as_bytes());
        #[expect(clippy::expect_used, reason = "32 bytes are 64 digits")]
        hex::encode_to_slice(id.as_bytes(), digits).expect("32 bytes are 64 digits");
        key.into()
    }

    /// The key of what a scope with a quota has claimed.
    pub(crate) fn scope(&self, id: ScopeId) -> Box<[u8]> {
        format!("{}scope:{}", self.prefix, hex::encode(id.as_bytes())).into_bytes().into()
    }

    /// The key that stands for a moment after the keys of a scope were looked through.
    pub(crate) fn recounted(&self, scope: &[u8]) -> Vec<u8> {
        [scope, b":recounted"].concat()
    }

    /// The channel on which the scripts publish the digits of records that changed.
    pub(crate) fn channel(&self) -> String {
        format!("{}changed", self.prefix)
    }

    /// The key that is counted up at each look at the server.
    pub(crate) fn pulse(&self) -> String {
        format!("{}pulse", self.prefix)
    }
}

/// The record that a message on the channel names.
pub(crate) fn published(digits: &[u8]) -> Option<RecordId> {
    let mut id = [0; 32];
    hex::decode_to_slice(digits, &mut id).ok()?;
    Some(RecordId::from_bytes(id))
}
