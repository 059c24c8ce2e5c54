//! The settings of the middleware.

use http::header::HeaderName;

use crate::budget::RetryBudget;
use crate::policy::RetryPolicy;

/// The name of the key header, unless the service uses another one.
pub(crate) const DEFAULT_HEADER: HeaderName = HeaderName::from_static("idempotency-key");

#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) policy: RetryPolicy,
    pub(crate) budget: RetryBudget,
    /// In bytes.
    pub(crate) max_response: usize,
    pub(crate) header: HeaderName,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policy: RetryPolicy::new(),
            budget: RetryBudget::default(),
            max_response: 1024 * 1024,
            header: DEFAULT_HEADER,
        }
    }
}
