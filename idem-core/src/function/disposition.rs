//! What becomes of a message.

use std::time::Duration;

use super::Failure;

/// What a consumer should do with a delivery, in the words that brokers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a delivery that is not settled comes again"]
pub enum Disposition {
    /// It was acted upon, now or before: acknowledge it.
    Acknowledge,
    /// It was not, or nobody knows yet: deliver it again.
    Redeliver {
        /// Not before this long from now, which most brokers can be told.
        after: Duration,
    },
    /// Another delivery would change nothing: set it aside for a person to look at.
    DeadLetter,
}

impl Disposition {
    /// What the result of a guarded function says.
    pub fn of<T, E: Failure>(result: &Result<T, E>) -> Self {
        result.as_ref().map_or_else(Failure::disposition, |_| Self::Acknowledge)
    }
}
