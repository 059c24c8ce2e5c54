//! A call that the toolkit answered itself.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::Disposition;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// A call of a guarded function that the toolkit answered itself, in place of its body. It reaches the
/// caller as the function's own error, by `From`.
#[derive(Debug)]
pub struct Refused {
    rejection: Rejection,
    after: Duration,
}

impl Refused {
    /// `retry_after` is when trying again makes sense, where nothing better is known.
    pub(super) fn new(rejection: Rejection, policy: &Policy, retry_after: Duration) -> Self {
        let after = match rejection {
            // By then the first run has ended, or renewed its lease, or may be taken over. Asking more
            // often would only use up the deliveries that a broker grants.
            Rejection::InProgress => policy.lease,
            _ => retry_after,
        };
        Self { rejection, after }
    }

    /// Why.
    pub const fn rejection(&self) -> &Rejection {
        &self.rejection
    }

    /// What to do with the message that led to the call:
    ///
    /// | Disposition | Rejection |
    /// |---|---|
    /// | acknowledge | the result was not kept, but the work is done |
    /// | redeliver after a lease | in progress |
    /// | redeliver after [`retry_after`](crate::IdempotencyBuilder::retry_after) | store unavailable or full, result not recorded yet, shutting down, panicked |
    /// | dead-letter | outcome unknown, key reused, no valid key or scope, stored result or record not readable |
    pub const fn disposition(&self) -> Disposition {
        match self.rejection {
            Rejection::ResultUnavailable => Disposition::Acknowledge,
            Rejection::InProgress
            | Rejection::StoreUnavailable(_)
            | Rejection::Unrecorded(_)
            | Rejection::Draining
            | Rejection::TooManyKeys(_)
            | Rejection::Panicked => Disposition::Redeliver { after: self.after },
            Rejection::OutcomeUnknown
            | Rejection::KeyReused
            | Rejection::KeyMissing
            | Rejection::KeyInvalid(_)
            | Rejection::BodyTooLarge
            | Rejection::ScopeEmpty
            | Rejection::FingerprintInvalid(_)
            | Rejection::RecordUnreadable(_)
            | Rejection::ResultUnreadable(_) => Disposition::DeadLetter,
        }
    }
}

/// Says what the rejection says, so that nothing is said twice.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rejection.fmt(f)
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.rejection.source()
    }
}
