//! Problems that a store finds in its server.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A problem with the configuration or the state of a store's server, which can lose acknowledged writes or breaks another
/// promise. Returned by [`IdempotencyStore::check`](super::IdempotencyStore::check). Clones share it.
///
/// `Display` names the setting and what to do. [`source`](Error::source) and [`get_ref`](Self::get_ref) return the issue of
/// the store's own type, such as `idem_redis::HealthIssue`.
#[derive(Clone)]
pub struct HealthIssue(Arc<dyn Error + Send + Sync>);

impl HealthIssue {
    /// Wraps an issue of a store's own type, or a text.
    pub fn new(issue: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(issue.into().into())
    }

    /// Returns the issue of the store's own type, for a downcast.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Debug for HealthIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for HealthIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
