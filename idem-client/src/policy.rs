//! The retry policy.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The number, the timing and the total duration of an operation's attempts.
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

/// Returns numbers from 0 to 1.
pub(crate) type Random = Arc<dyn Fn() -> f64 + Send + Sync>;

impl RetryPolicy {
    /// Creates a policy with the default settings, which are documented at each method.
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

    /// Sets the number of failed attempts after which the operation ends, the first included. Default 4; 0
    /// counts as 1. Responses that report that the operation is still in progress do not count. They are
    /// limited by the deadline and the budget.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the pauses between attempts. The pause before retry `n`, counted from 0, is random between 0 and
    /// `base` × 2ⁿ, at most `cap`. A `Retry-After` of the response is added. Default 500 ms and 5 s.
    pub const fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// Sets the time limit of one attempt, including reading the response. Default 15 s. Timeouts of the
    /// reqwest client apply as well.
    pub const fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets the time limit of all attempts and pauses together. Default 60 s. An attempt that is running at
    /// the deadline is cancelled. A pause that would end after the deadline is not started.
    ///
    /// Keep it well below the time for which the service remembers keys. A later attempt is a new operation
    /// for the service, and so a second charge.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the source of the random numbers for the pauses, from 0 to 1. For tests. Default: the thread's
    /// random number generator.
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
