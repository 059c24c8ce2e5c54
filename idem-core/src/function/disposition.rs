//! The recommended action for a message.

use std::time::Duration;

/// The recommended action for a delivery, in terms that most brokers support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a delivery that is not settled is redelivered"]
pub enum Disposition {
    /// Acknowledge the message: it has been processed, now or earlier.
    Acknowledge,
    /// Redeliver the message: it has not been processed, or the outcome is not known yet.
    Redeliver {
        /// The minimum delay of the redelivery. Most brokers support one.
        after: Duration,
    },
    /// Dead-letter the message, so that a person can inspect it. Another delivery would not change the result.
    DeadLetter,
}
