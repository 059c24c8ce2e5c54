//! How often and how long to try.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How often, how fast and how long an operation is tried.
///
/// ```
/// use std::time::Duration;
/// use idem_client::RetryPolicy;
///
/// let policy = RetryPolicy::new()
///     .attempts(3)
///     .backoff(Duration::from_millis(200), Duration::from_secs(2))
///     .deadline(Duration::from_secs(20));
/// ```
#[derive(Clone)]
#[must_use]
pub struct RetryPolicy {
    pub(crate) attempts: u32,
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) random: Random,
}

/// Numbers from 0 to 1.
pub(crate) type Random = Arc<dyn Fn() -> f64 + Send + Sync>;

impl RetryPolicy {
    /// The defaults that each method names.
    pub fn new() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(15),
            deadline: Duration::from_secs(60),
            random: Arc::new(rand::random::<f64>),
        }
    }

    /// How many attempts may fail, the first included. Default 4; 0 counts as 1. Answers that say that the
    /// operation is still in progress do not count: they end with the deadline or the budget.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The pause before retry `n` (counted from 0) is drawn evenly from 0 to `base` × 2ⁿ, but never to more
    /// than `cap`; a `Retry-After` is added. Default 500 ms and 5 s.
    pub const fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// How long one attempt may take, with the reading of its answer. Default 15 s. Timeouts of the reqwest
    /// client hold beside it.
    pub const fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// How long all attempts and pauses may take together. Default 60 s. An attempt that runs at the
    /// deadline is cut; a pause that would end after it is not begun.
    ///
    /// Keep it well below the time for which the service remembers keys: an attempt after that is a new
    /// operation to it, and so a second charge.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Where the randomness of the pauses comes from: numbers from 0 to 1. For tests; the default is
    /// random.
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("attempts", &self.attempts)
            .field("base", &self.base)
            .field("cap", &self.cap)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
