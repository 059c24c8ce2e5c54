//! How much of its traffic a client may spend on retries.

use std::sync::Arc;
use std::time::Duration;

use tower::retry::budget::{Budget, TpsBudget};

/// What all operations of a client may spend on retries together, so that an outage of the server is not
/// answered by several times the traffic.
///
/// Every operation pays in a share of a retry, every retry takes one out. Clones share one budget; give
/// the same one to all clients of a service.
#[derive(Clone, Debug)]
pub struct RetryBudget(Arc<TpsBudget>);

impl RetryBudget {
    /// Within each `window`, retries may be `share` of the operations, 0.2 being one in five, and
    /// `per_second` for each second beside that. The default is 0.2, and 10 a second, over 10 s.
    ///
    /// A share up to 1 counts as one retry in a whole number of operations, rounded up to the next such
    /// share: 0.4 as one in two, 0.7 as one in one. What is allowed per second is there for the whole window
    /// from the start: by default, a burst of 100.
    ///
    /// # Panics
    /// If the window is not of 1 to 60 seconds, the share not of 0 to 1,000, or `per_second` not below 2³¹ - 1.
    #[must_use]
    pub fn new(share: f32, per_second: u32, window: Duration) -> Self {
        Self(Arc::new(TpsBudget::new(window, per_second, share)))
    }

    pub(crate) fn pay_in(&self) {
        self.0.deposit();
    }

    /// Whether there was a retry left to take.
    pub(crate) fn take_one(&self) -> bool {
        self.0.withdraw()
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(0.2, 10, Duration::from_secs(10))
    }
}
