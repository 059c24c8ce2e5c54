//! The error type of a guarded function.

use std::time::Duration;

use super::{Disposition, ErrorStorage, Rejected};
use crate::model::{MIN_RETRY_AFTER, Outcome};

/// The error type of a guarded function. It classifies each error, and wraps the rejections that idem returns in place of
/// the function's result.
///
/// ```
/// use idem_core::Outcome;
/// use idem_core::function::{ErrorStorage, Failure, Rejected};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, thiserror::Error)]
/// enum OrderError {
///     #[error("the card was declined: {0}")]
///     Declined(String),
///     #[error("the provider is down; nothing was sent to it")]
///     ProviderDown,
///     #[error("the provider did not answer")]
///     NoAnswer,
///     #[error(transparent)]
///     #[serde(skip)]
///     Rejected(#[from] Rejected),
/// }
///
/// impl Failure for OrderError {
///     const STORAGE: ErrorStorage<Self> = ErrorStorage::JSON;
///
///     fn outcome(&self) -> Outcome {
///         match self {
///             Self::Declined(_) => Outcome::Final,
///             Self::ProviderDown => Outcome::NotExecuted,
///             Self::NoAnswer | Self::Rejected(_) => Outcome::Ambiguous,
///         }
///     }
///
///     fn rejected(&self) -> Option<&Rejected> {
///         match self {
///             Self::Rejected(rejected) => Some(rejected),
///             _ => None,
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error type of a guarded function",
    label = "not a `Failure`",
    note = "implement `idem_core::function::Failure` for `{Self}`, and `From<idem_core::function::Rejected>`",
    note = "for a type of another crate, such as `Box<dyn Error>` or `anyhow::Error`, write an error type of your own that contains it"
)]
pub trait Failure: From<Rejected> {
    /// The storage of [final](Outcome::Final) errors. Default [`ErrorStorage::NONE`]: a later call is refused with
    /// [`ResultUnavailable`](crate::Rejection::ResultUnavailable).
    const STORAGE: ErrorStorage<Self> = ErrorStorage::NONE;

    /// Classifies this error by its effect. Default [`Ambiguous`](Outcome::Ambiguous): under at most once the outcome is
    /// unknown and the key is held; under at least once the key is freed.
    ///
    /// It is called for errors that the body of the function returned, including the rejection of a nested call. It is not
    /// called for a rejection that idem returns in place of the body.
    fn outcome(&self) -> Outcome {
        Outcome::Ambiguous
    }

    /// Returns the rejection that this error wraps, if it wraps one.
    fn rejected(&self) -> Option<&Rejected>;

    /// Returns the recommended action for the message that led to this error.
    ///
    /// By default, a [rejection](Self::rejected) determines its own disposition. A final error is acknowledged, and every
    /// other error is redelivered after 1 s. Under at most once, the redelivery of an ambiguous error is refused with
    /// [`OutcomeUnknown`](crate::Rejection::OutcomeUnknown).
    ///
    /// Override it to use another delay. The [`retry_after`](crate::IdempotencyBuilder::retry_after) of the builder applies
    /// only to rejections.
    fn disposition(&self) -> Disposition {
        const AFTER: Duration = MIN_RETRY_AFTER;
        if let Some(rejected) = self.rejected() {
            return rejected.disposition();
        }
        match self.outcome() {
            Outcome::Final => Disposition::Acknowledge,
            Outcome::NotExecuted | Outcome::Ambiguous => Disposition::Redeliver { after: AFTER },
        }
    }
}

impl Disposition {
    /// Returns the disposition for the result of a guarded function: [`Failure::disposition`] for an `Err`, and
    /// [`Acknowledge`](Self::Acknowledge) for an `Ok`.
    pub fn of<T, E: Failure>(result: &Result<T, E>) -> Self {
        result.as_ref().map_or_else(Failure::disposition, |_| Self::Acknowledge)
    }
}
