//! The retry budget of a client.

use std::sync::Arc;
use std::time::Duration;

use tower::retry::budget::{Budget, TpsBudget};

/// A limit on the retries of all operations of a client together, so that retries do not multiply the
/// traffic during an outage of the server.
///
/// Every operation deposits a fraction of a retry, and every retry withdraws one. Clones share one budget.
/// Use the same budget for all clients of a service.
#[derive(Clone, Debug)]
pub struct RetryBudget(Arc<TpsBudget>);

impl RetryBudget {
    /// Creates a budget. Within each `window`, it allows retries for a `share` of the operations (0.2 is one
    /// in five), plus `per_second` retries for each second of the window. The default is a share of 0.2 and
    /// 10 retries per second, over 10 s.
    ///
    /// A share below 1 is rounded up to one retry in 1, 2, 3 or more operations: 0.4 counts as one in two, 0.7
    /// as one in one. The retries per second are available for the whole window from the start: by default, a
    /// burst of 100.
    ///
    /// # Panics
    /// If `window` is not between 1 and 60 seconds, `share` is not between 0 and 1,000, or `per_second` is
    /// 2³¹ - 1 or more.
    #[must_use]
    pub fn new(share: f32, per_second: u32, window: Duration) -> Self {
        Self(Arc::new(TpsBudget::new(window, per_second, share)))
    }

    pub(crate) fn deposit(&self) {
        self.0.deposit();
    }

    /// Withdraws one retry. Returns `false` if the budget is exhausted.
    pub(crate) fn withdraw(&self) -> bool {
        self.0.withdraw()
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(0.2, 10, Duration::from_secs(10))
    }
}
