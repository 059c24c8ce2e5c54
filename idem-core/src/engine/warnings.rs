//! Warnings and errors that are logged once per operation.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The maximum number of operations that are remembered. A router's fallback can produce any number of names.
const MAX_OPERATIONS: usize = 1_000;

/// The operations about which a line was logged.
#[derive(Default)]
pub(super) struct Warnings {
    safe_methods: Operations,
    streams: Operations,
}

/// A bounded set of operations.
#[derive(Default)]
struct Operations(Mutex<HashSet<Box<str>>>);

impl Operations {
    /// Whether `operation` is new. Also `false` if the set is full.
    fn insert(&self, operation: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.len() < MAX_OPERATIONS && !known.contains(operation) && known.insert(operation.into())
    }
}

impl Warnings {
    /// Warns about a request that has a key, although requests with its method are never guarded.
    pub(super) fn safe_method(&self, operation: &str) {
        if self.safe_methods.insert(operation) {
            tracing::warn!(
                operation,
                "a request with a safe method has an idempotency key, and is not guarded; if it has an effect, use POST, and otherwise send no key"
            );
        }
    }
    /// Reports that a guarded handler returned a stream, whose record has no response.
    pub(super) fn stream(&self, operation: &str) {
        if self.streams.insert(operation) {
            tracing::error!(
                operation,
                "a guarded handler returned a stream, which is not retained, so retries get 409 `result-unavailable`; return a result, and let the client read the stream from another route"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_is_new_once_until_the_set_is_full() {
        let operations = Operations::default();
        for number in 0..MAX_OPERATIONS {
            assert!(operations.insert(&number.to_string()), "{number}");
            assert!(!operations.insert(&number.to_string()), "{number}");
        }
        assert!(!operations.insert("one more"));
    }
}
