//! Why a record should not be changed by hand now.

use std::time::Duration;

use super::RecordHandle;
use crate::model::{Timestamp, UnknownReason};
use crate::store::FoundState;

/// A reason against a change by hand. The store rejects a change of a live run and of a record with a known outcome too; this
/// explains it beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Objection {
    /// A run holds the key under a lease that ends after this time.
    #[error("a run holds the key; wait for it to end")]
    Live(Duration),
    /// The outcome is known.
    #[error("the record is {0}, so there is no unknown outcome to resolve")]
    Settled(FoundState),
    /// The lost run may still act. See [`UnknownReason`].
    #[error(
        "the outcome is unknown because the run was {0}; blocking code of that run may still be running"
    )]
    MayBeActive(UnknownReason),
    /// The hold would end before the record does, and would free the key early.
    #[error("the record is kept for another {} s, and a hold cannot end earlier", .left.as_secs())]
    ShorterHold {
        /// The present end of the record.
        until: Timestamp,
        /// The time until then.
        left: Duration,
    },
}

impl RecordHandle {
    /// Returns the reason against [completing](Self::complete) the record.
    ///
    /// # Errors
    /// [`Objection::Live`] and [`Objection::Settled`].
    pub fn may_be_resolved(&self) -> Result<(), Objection> {
        match self.state {
            FoundState::Unknown(_) => Ok(()),
            FoundState::Running => Err(Objection::Live(self.lease_until.since(self.now))),
            state => Err(Objection::Settled(state)),
        }
    }

    /// Returns the reason against [holding](Self::extend_hold) the record for `hold`, counted from the time at which it was
    /// found.
    ///
    /// # Errors
    /// Those of [`may_be_resolved`](Self::may_be_resolved), and [`Objection::ShorterHold`].
    pub fn may_be_held(&self, hold: Duration) -> Result<(), Objection> {
        self.may_be_resolved()?;
        let (until, left) = (self.expires_at, self.expires_at.since(self.now));
        if hold < left { Err(Objection::ShorterHold { until, left }) } else { Ok(()) }
    }

    /// Returns the reason against [releasing](Self::release) the key.
    ///
    /// # Errors
    /// Those of [`may_be_resolved`](Self::may_be_resolved), and [`Objection::MayBeActive`], which the end of the process of
    /// the lost run removes.
    pub fn may_be_released(&self) -> Result<(), Objection> {
        self.may_be_resolved()?;
        match self.state {
            FoundState::Unknown(reason @ (UnknownReason::TimedOut | UnknownReason::Drained)) => {
                Err(Objection::MayBeActive(reason))
            }
            _ => Ok(()),
        }
    }
}
