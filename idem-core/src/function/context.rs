//! The dispositions of rejections.

use std::time::Duration;

use super::{Disposition, Rejected, codec};
use crate::model::{Guarantee, Policy, Rejection};

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
        Rejected::new(rejection, disposition)
    }

    const fn disposition(self, rejection: &Rejection, ran: bool) -> Disposition {
        match rejection {
            // The work of a nested call is done too, but the message belongs to the outer run, whose work is not.
            Rejection::ResultUnavailable { status: codec::OK } if !self.nested => {
                Disposition::Acknowledge
            }
            Rejection::InProgress => self.after_a_lease(),
            // The run lost its lease. The next delivery gets the result of the other run, or takes over.
            Rejection::OutcomeUnknown { .. } if ran && self.may_be_taken_over() => {
                self.after_a_lease()
            }
            Rejection::OutcomeUnknown { retry_after: Some(after) } => {
                Disposition::Redeliver { after: *after }
            }
            Rejection::StoreUnavailable(_)
            | Rejection::Unrecorded(_)
            | Rejection::NotCommitted(_)
            | Rejection::Draining
            | Rejection::TooManyKeys(_)
            | Rejection::TooManyRuns
            | Rejection::Panicked => Disposition::Redeliver { after: self.retry_after },
            Rejection::OutcomeUnknown { retry_after: None }
            | Rejection::ResultUnavailable { .. }
            | Rejection::KeyReused
            | Rejection::KeyMissing
            | Rejection::KeyUnknown
            | Rejection::KeyInvalid(_)
            | Rejection::BodyTooLarge
            | Rejection::ScopeEmpty
            | Rejection::FingerprintInvalid(_)
            | Rejection::RecordUnreadable(_)
            | Rejection::ResultUnreadable(_)
            | Rejection::NoTransactions
            | Rejection::Unguarded
            | Rejection::GuardedTwice
            | Rejection::ScopeMissing(_)
            | Rejection::OperationMissing
            | Rejection::Grpc => Disposition::DeadLetter,
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
