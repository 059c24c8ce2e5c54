//! Warnings that are logged once per operation.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The maximum number of operations that are remembered. A router's fallback can produce any number of names.
const MAX_OPERATIONS: usize = 1_000;

/// The operations about which a warning was logged.
#[derive(Default)]
pub(super) struct Warnings {
    safe_methods: Mutex<HashSet<Box<str>>>,
}

impl Warnings {
    /// Warns about a request that has a key, although requests with its method are never guarded.
    pub(super) fn safe_method(&self, operation: &str) {
        let mut warned = self.safe_methods.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() < MAX_OPERATIONS && !warned.contains(operation) {
            warned.insert(operation.into());
            drop(warned);
            tracing::warn!(
                operation,
                "a request with a safe method has an idempotency key, and is not guarded; if it has an effect, use POST, and otherwise send no key"
            );
        }
    }
}
