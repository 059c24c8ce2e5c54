//! Rejections as errors of plain functions.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::{Disposition, codec};
use crate::model::{Guarantee, Policy, Rejection};

/// A [`Rejection`] as the error of a guarded function: idem refused the call in place of the function's body.
///
/// The caller receives it as the function's own error type, by `From`. `Display` and `source` are those of the rejection.
#[derive(Debug)]
pub struct Rejected {
    rejection: Rejection,
    disposition: Disposition,
}

impl Rejected {
    /// The reason.
    pub const fn rejection(&self) -> &Rejection {
        &self.rejection
    }

    /// Returns the recommended action for the message that led to the call:
    ///
    /// | Disposition | Rejection |
    /// |---|---|
    /// | acknowledge | an `Ok` was not retained, but the work is done |
    /// | redeliver after a lease | in progress; at least once: this run lost its lease, and no other run has a result yet |
    /// | redeliver after [`retry_after`](crate::IdempotencyBuilder::retry_after) | the store is unavailable or full, the result is not stored yet, shutdown, a panic |
    /// | dead-letter | outcome unknown; key reused; an invalid key or scope; a stored result or record that cannot be read; a final `Err` that was not retained |
    /// | dead-letter | in a call inside another guarded run: an `Ok` that was not retained, because the outer run lacks it |
    pub const fn disposition(&self) -> Disposition {
        self.disposition
    }
}

/// The properties of a call that determine the disposition of its rejection.
#[derive(Clone, Copy)]
pub(super) struct CallContext {
    pub(super) policy: &'static Policy,
    /// The default delay before a redelivery.
    pub(super) retry_after: Duration,
    /// Whether another guarded run made the call.
    pub(super) nested: bool,
}

impl CallContext {
    /// Rejects the call. `ran` is whether its body was started.
    pub(super) fn reject(self, rejection: Rejection, ran: bool) -> Rejected {
        let disposition = self.disposition(&rejection, ran);
        Rejected { rejection, disposition }
    }

    const fn disposition(self, rejection: &Rejection, ran: bool) -> Disposition {
        match rejection {
            // The work of a nested call is done too, but the message belongs to the outer run, whose work is not.
            Rejection::ResultUnavailable { status: codec::OK } if !self.nested => {
                Disposition::Acknowledge
            }
            Rejection::InProgress => self.after_a_lease(),
            // The run lost its lease. The next delivery gets the result of the other run, or takes over.
            Rejection::OutcomeUnknown if ran && self.may_be_taken_over() => self.after_a_lease(),
            Rejection::StoreUnavailable(_)
            | Rejection::Unrecorded(_)
            | Rejection::NotCommitted(_)
            | Rejection::Draining
            | Rejection::TooManyKeys(_)
            | Rejection::Panicked => Disposition::Redeliver { after: self.retry_after },
            Rejection::OutcomeUnknown
            | Rejection::ResultUnavailable { .. }
            | Rejection::KeyReused
            | Rejection::KeyMissing
            | Rejection::KeyInvalid(_)
            | Rejection::BodyTooLarge
            | Rejection::ScopeEmpty
            | Rejection::FingerprintInvalid(_)
            | Rejection::RecordUnreadable(_)
            | Rejection::ResultUnreadable(_)
            | Rejection::NoTransactions
            | Rejection::Unguarded => Disposition::DeadLetter,
        }
    }

    const fn may_be_taken_over(self) -> bool {
        matches!(self.policy.guarantee, Guarantee::AtLeastOnce)
    }

    /// After a lease, the run that holds it has ended, has renewed it, or may be taken over. More frequent redeliveries
    /// would only use up the number that the broker allows.
    const fn after_a_lease(self) -> Disposition {
        Disposition::Redeliver { after: self.policy.lease }
    }
}

/// Writes the text of the rejection. The rejection itself is not the source, so no text appears twice in a chain.
impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rejection.fmt(f)
    }
}

impl Error for Rejected {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.rejection.source()
    }
}
