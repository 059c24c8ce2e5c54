//! A call that the toolkit answered itself.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::{Disposition, error_storage};
use crate::model::{Guarantee, Policy, Rejection};

/// A call of a guarded function that the toolkit answered itself, in place of its body. It reaches the
/// caller as the function's own error, by `From`.
#[derive(Debug)]
pub struct Rejected {
    rejection: Rejection,
    disposition: Disposition,
}

impl Rejected {
    /// Why.
    pub const fn rejection(&self) -> &Rejection {
        &self.rejection
    }

    /// What to do with the message that led to the call:
    ///
    /// | Disposition | Rejection |
    /// |---|---|
    /// | acknowledge | an `Ok` was not kept, but the work is done |
    /// | redeliver after a lease | in progress; at least once: this run lost its lease, and no other has a result yet |
    /// | redeliver after [`retry_after`](crate::IdempotencyBuilder::retry_after) | store unavailable or full, result not recorded yet, shutting down, panicked |
    /// | dead-letter | a final `Err` was not kept, or the `Ok` of a call inside another guarded run, which goes on without it; outcome unknown, key reused, no valid key or scope, stored result or record not readable |
    pub const fn disposition(&self) -> Disposition {
        self.disposition
    }
}

/// What refusals depend on, besides their reason.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) policy: &'static Policy,
    /// When trying again makes sense, where nothing better is known.
    pub(super) retry_after: Duration,
    /// Whether the call was made by another guarded run.
    pub(super) nested: bool,
}

impl Terms {
    /// A refusal of a call whose body `ran`, or did not.
    pub(super) fn refuse(self, rejection: Rejection, ran: bool) -> Rejected {
        let disposition = self.disposition(&rejection, ran);
        Rejected { rejection, disposition }
    }

    const fn disposition(self, rejection: &Rejection, ran: bool) -> Disposition {
        match rejection {
            // Of a nested call the work is done too, but the message is the outer run's, which is not.
            Rejection::ResultUnavailable { status: error_storage::OK } if !self.nested => {
                Disposition::Acknowledge
            }
            Rejection::InProgress => self.after_a_lease(),
            // It lost its lease: the next delivery finds out what that led to, or takes over.
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

    /// By then the run that holds the lease has ended, or renewed it, or may be taken over. Asking more
    /// often would only use up the deliveries that a broker grants.
    const fn after_a_lease(self) -> Disposition {
        Disposition::Redeliver { after: self.policy.lease }
    }
}

/// Says what the rejection says, so that nothing is said twice.
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
