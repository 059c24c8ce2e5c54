//! What a guarded function's own error means for its key.

use std::time::Duration;

use super::{Disposition, ErrorStorage, Rejected};
use crate::model::{MIN_RETRY_AFTER, Outcome};

/// The error type of a guarded function: it says what each error means for the key, and takes in what
/// the toolkit answers itself.
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
///     #[error("the provider is down, and nothing was sent to it")]
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
///             Self::Rejected(refused) => Some(refused),
///             _ => None,
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what its errors mean for the key",
    label = "not a `Failure`",
    note = "implement `idem_core::function::Failure` for `{Self}`, and `From<idem_core::function::Rejected>`"
)]
pub trait Failure: From<Rejected> {
    /// How errors that are [final](Outcome::Final) are stored, so that a later call gets the same one.
    /// Not at all by default: a later call is then told that the result is not available.
    const STORAGE: ErrorStorage<Self> = ErrorStorage::NONE;

    /// What this error says about the effect. [`Ambiguous`](Outcome::Ambiguous) by default: at most once
    /// holds the key, its outcome unknown; at least once frees it.
    ///
    /// Asked of errors that the function's body returned, the refusal of a nested call among them; never
    /// of what the toolkit answered in place of the body.
    fn outcome(&self) -> Outcome {
        Outcome::Ambiguous
    }

    /// What the toolkit answered itself, if that is what this error is.
    fn rejected(&self) -> Option<&Rejected>;

    /// What to do with the message that led to this error: for a [refusal](Self::rejected) what it says;
    /// else acknowledge what is final, and redeliver the rest after a second. At most once, that delivery
    /// then learns that the outcome is unknown.
    ///
    /// Write it out where another delay fits: an error knows nothing of the
    /// [`retry_after`](crate::IdempotencyBuilder::retry_after) that refusals go by.
    fn disposition(&self) -> Disposition {
        const AFTER: Duration = MIN_RETRY_AFTER;
        if let Some(refused) = self.rejected() {
            return refused.disposition();
        }
        match self.outcome() {
            Outcome::Final => Disposition::Acknowledge,
            Outcome::NotExecuted | Outcome::Ambiguous => Disposition::Redeliver { after: AFTER },
        }
    }
}
