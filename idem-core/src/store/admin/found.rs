//! A record as administrators see it.

use std::fmt;
use std::time::Duration;

use crate::model::{Extras, FencingToken, Guarantee, RecordId, State, Timestamp, UnknownReason};
use crate::state_machine::Slot;

/// A record as administrators see it, without its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRecord {
    /// The id of the record.
    pub id: RecordId,
    /// The fencing token of the current claim. It is the time of the claim, if the store uses its clock for tokens.
    pub token: FencingToken,
    /// The number of the current run within its key, counted from 1.
    pub attempt: u32,
    /// The guarantee under which the key was claimed.
    pub guarantee: Guarantee,
    /// Whether the handler that claimed the key has `recover`.
    pub recoverable: bool,
    /// The optional fields: operation, label, silence and dispute.
    pub extras: Extras,
    /// The state by the store's clock.
    pub state: FoundState,
    /// The end of the lease of a running record, and of the quiet time of an unknown one.
    pub lease_until: Timestamp,
    /// The time from which the record counts as absent.
    pub expires_at: Timestamp,
    /// The reading of the store's clock when the record was found.
    pub now: Timestamp,
}

/// The state of a [`FoundRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FoundState {
    /// A run holds the key under a lease.
    Running,
    /// The response is stored.
    Completed {
        /// The status of the response.
        status: u16,
    },
    /// The run ended, and its response was not retained.
    NotRetained {
        /// The status that the first caller got.
        status: u16,
    },
    /// The outcome of the run is unknown. A running record whose lease has ended is reported as crashed.
    Unknown(UnknownReason),
}

impl fmt::Display for FoundState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("running"),
            Self::Completed { status } => write!(f, "completed with {status}"),
            Self::NotRetained { status } => write!(f, "completed with {status}, not retained"),
            Self::Unknown(reason) => write!(f, "outcome unknown: {reason}"),
        }
    }
}

impl FoundState {
    /// Describes a stored state. `lapsed` is whether the lease has ended.
    pub const fn of(state: &State, lapsed: bool) -> Self {
        match state {
            State::Running if lapsed => Self::Unknown(UnknownReason::Crashed),
            State::Running => Self::Running,
            State::Completed(response) => Self::Completed { status: response.status },
            State::NotRetained { status } => Self::NotRetained { status: *status },
            State::Unknown(reason) => Self::Unknown(*reason),
        }
    }
}

impl FoundRecord {
    /// Describes the record in `slot`.
    pub fn new(id: RecordId, slot: &Slot, now: Timestamp) -> Self {
        let record = &slot.record;
        Self {
            id,
            token: record.token,
            attempt: record.attempt,
            guarantee: record.guarantee,
            recoverable: record.recoverable,
            extras: record.extras.clone(),
            state: FoundState::of(&record.state, slot.lapsed(now)),
            lease_until: slot.lease_until,
            expires_at: slot.expires_at,
            now,
        }
    }

    /// Since when the record is in its state: for an unknown outcome the start of the silence, for other states the
    /// time of the claim.
    pub fn since(&self) -> Timestamp {
        match (self.extras.silence(), self.state) {
            (Some(silence), _) => silence.since,
            (None, FoundState::Unknown(_)) => self.lease_until,
            (None, _) => Timestamp(self.token.0),
        }
    }

    /// The time that the record has been in its state. See [`since`](Self::since).
    pub fn age(&self) -> Duration {
        self.now.since(self.since())
    }
}
