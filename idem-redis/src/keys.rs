//! The names of the Redis keys and of the channel.

use idem_core::store::{RecordId, ScopeId};

/// Hexadecimal digits of a record id.
const ID_DIGITS: usize = 64;

/// The names under the prefix of one namespace.
pub(crate) struct Keys {
    prefix: Box<str>,
}

impl Keys {
    pub(crate) fn new(namespace: &str) -> Self {
        Self { prefix: format!("idem:{namespace}:").into() }
    }

    /// The key of a record: the prefix and 64 hexadecimal digits. The digits are a digest, so a client
    /// cannot choose the Cluster slot.
    pub(crate) fn record(&self, id: RecordId) -> Box<[u8]> {
        let mut key = vec![0; self.prefix.len() + ID_DIGITS];
        let (prefix, digits) = key.split_at_mut(self.prefix.len());
        prefix.copy_from_slice(self.prefix.as_bytes());
        #[expect(clippy::expect_used, reason = "32 bytes are 64 digits")]
        hex::encode_to_slice(id.as_bytes(), digits).expect("32 bytes are 64 digits");
        key.into()
    }

    /// The pattern of the keys of records whose ids begin with `digits`.
    pub(crate) fn record_pattern(&self, digits: &str) -> String {
        let mut pattern = String::with_capacity(self.prefix.len() + ID_DIGITS);
        for char in self.prefix.chars() {
            if matches!(char, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(char);
        }
        pattern.push_str(digits);
        pattern.extend(std::iter::repeat_n('?', ID_DIGITS - digits.len()));
        pattern
    }

    /// Returns the record id of a key that matches the [pattern](Self::record_pattern), unless it is another key.
    pub(crate) fn parse_record(&self, key: &[u8]) -> Option<RecordId> {
        parse_digits(key.strip_prefix(self.prefix.as_bytes())?)
    }

    /// The sorted set of the live keys of a scope with a quota.
    pub(crate) fn scope(&self, id: ScopeId) -> Box<[u8]> {
        format!("{}scope:{}", self.prefix, hex::encode(id.as_bytes())).into_bytes().into()
    }

    /// The key that exists for a short time after the oldest keys of a full scope were checked.
    pub(crate) fn recounted(&self, scope: &[u8]) -> Vec<u8> {
        [scope, b":recounted"].concat()
    }

    /// The key that exists while all keys of a scope are checked, and for a pause after that.
    pub(crate) fn recounting(&self, scope: &[u8]) -> Vec<u8> {
        [scope, b":recounting"].concat()
    }

    /// The channel on which the scripts publish the digits of a record whose run has ended.
    pub(crate) fn channel(&self) -> String {
        format!("{}changed", self.prefix)
    }

    /// The stream of the audit log.
    pub(crate) fn audit(&self) -> String {
        format!("{}audit", self.prefix)
    }

    /// The counter that each health check of one store increments. `store` is a random number.
    pub(crate) fn heartbeat(&self, store: u64) -> String {
        format!("{}pulse:{store:016x}", self.prefix)
    }
}

/// Returns the record id of the digits that a key ends with, or that a message on the channel contains.
pub(crate) fn parse_digits(digits: &[u8]) -> Option<RecordId> {
    let mut id = [0; 32];
    hex::decode_to_slice(digits, &mut id).ok()?;
    Some(RecordId::from_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_matches_only_its_own_namespace() {
        let pattern = Keys::new("a*[b]?\\").record_pattern("");
        assert_eq!(pattern, format!("idem:a\\*\\[b\\]\\?\\\\:{}", "?".repeat(ID_DIGITS)));
        let pattern = Keys::new("a").record_pattern("0123abcd");
        assert_eq!(pattern, format!("idem:a:0123abcd{}", "?".repeat(ID_DIGITS - 8)));
    }

    #[test]
    fn key_of_a_record_is_parsed() {
        let (keys, id) = (Keys::new("a"), RecordId::from_bytes([7; 32]));
        assert_eq!(keys.parse_record(&keys.record(id)), Some(id));
        assert_eq!(keys.parse_record(&keys.scope(ScopeId::from_bytes([7; 32]))), None);
        assert_eq!(keys.parse_record(&Keys::new("b").record(id)), None);
    }
}
