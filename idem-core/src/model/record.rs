//! The record of a key, and the values that claims and completions exchange with a store.

use std::fmt;
use std::time::Duration;

use super::{
    Extras, Fingerprint, Guarantee, RecordId, StoredResponse, UnknownOutcome, UnknownReason,
};

/// 128 random bits that identify one claim.
///
/// The nonce lets a caller repeat a claim whose reply was lost: the store returns the same claim to the same
/// nonce, and treats every other nonce as a different caller.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClaimNonce([u8; 16]);

impl ClaimNonce {
    /// Returns a new nonce from the thread's cryptographic random number generator.
    pub fn random() -> Self {
        Self(rand::random::<u128>().to_ne_bytes())
    }

    /// Restores a nonce from stored bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the nonce.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for ClaimNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimNonce({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

/// A number that grows with every new owner of a key. Stores use it to reject stale writers.
///
/// It is derived from the store's clock in microseconds, so it also grows across releases and expiry. See the details
/// of the [state machine](crate::rules::guarantees#state-machine).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(pub u64);

/// The proof of an acquired claim.
///
/// Every later change of the record must present it. A [stale](crate::rules::semantics#stale-runs) claim changes
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The id of the record.
    pub id: RecordId,
    /// The nonce that the claim was made with.
    pub nonce: ClaimNonce,
    /// The fencing token that the store issued.
    pub token: FencingToken,
    /// The number of the run within its key, counted from 1.
    pub attempt: u32,
}

/// Everything that a store keeps under a [`RecordId`], except two times.
///
/// The two times are the end of the lease and the expiry of the record. Only the store's own clock judges them; see
/// [`Slot`](crate::state_machine::Slot).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The nonce of the current claim.
    pub nonce: ClaimNonce,
    /// The fencing token of the current claim.
    pub token: FencingToken,
    /// The number of the current run within its key, counted from 1.
    pub attempt: u32,
    /// The guarantee under which the key was claimed.
    pub guarantee: Guarantee,
    /// Whether the handler that claimed the key has `recover`. A record without it is never recovered.
    pub recoverable: bool,
    /// The fingerprint of the request that made the claim. `None` if requests are not compared.
    pub fingerprint: Option<Fingerprint>,
    /// The optional fields.
    pub extras: Extras,
    /// The state of the key.
    pub state: State,
}

/// The stored state of a key, see the [state machine](crate::rules::guarantees#state-machine).
///
/// A running record whose lease has lapsed is *read* as [`Unknown`](State::Unknown). That reading is not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// A run holds the key under a lease.
    Running,
    /// The response that every later request gets.
    Completed(StoredResponse),
    /// The run ended, but its response was
    /// [not retained](crate::rules::guarantees#response-not-retained).
    NotRetained {
        /// The HTTP status that the first caller got.
        status: u16,
    },
    /// A run started, and its outcome is [unknown](crate::rules::semantics#outcome-unknown).
    Unknown(UnknownReason),
}

impl State {
    /// Whether the owner may still complete the record. A late owner may resolve `Unknown`.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Running | Self::Unknown(_))
    }
}

/// The value that a run writes when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The run ended with a response that is replayed.
    Response(StoredResponse),
    /// The run ended, but its response could not be stored.
    NotRetained {
        /// The HTTP status that the first caller got.
        status: u16,
    },
    /// The outcome of the run is unknown, for example because the run was given up.
    Unknown(UnknownOutcome),
}

impl Completion {
    /// An unknown outcome that the next request may recover immediately.
    pub const fn unknown(reason: UnknownReason) -> Self {
        Self::Unknown(UnknownOutcome::new(reason))
    }
}

impl From<Completion> for State {
    fn from(completion: Completion) -> Self {
        match completion {
            Completion::Response(response) => Self::Completed(response),
            Completion::NotRetained { status } => Self::NotRetained { status },
            Completion::Unknown(outcome) => Self::Unknown(outcome.reason),
        }
    }
}

/// The part of an existing record that a duplicate request gets from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingRecord {
    /// The fingerprint of the request that made the claim.
    pub fingerprint: Option<Fingerprint>,
    /// The state of the key by the store's clock. A running record whose lease has lapsed reads as unknown.
    pub state: State,
    /// The time until a request with `recover` may begin a recovery. `None` if the record is never recovered: it is not
    /// unknown, it was claimed without `recover`, or it is disputed.
    pub recoverable_in: Option<Duration>,
}

impl Record {
    /// Returns the record as a duplicate sees it. `lease_left` is the rest of its lease, or of the time during which no
    /// recovery starts. It is zero if that time is over.
    pub fn observe(&self, lease_left: Duration) -> ExistingRecord {
        let state = match &self.state {
            State::Running if lease_left.is_zero() => State::Unknown(UnknownReason::Crashed),
            state => state.clone(),
        };
        ExistingRecord::new(self.fingerprint, state, self.recoverable, lease_left)
    }
}

impl ExistingRecord {
    /// Describes a record for stores that keep its parts in columns. `state` is the state as a duplicate reads it. The
    /// other parameters are those of [`Record::observe`].
    pub fn new(
        fingerprint: Option<Fingerprint>,
        state: State,
        recoverable: bool,
        lease_left: Duration,
    ) -> Self {
        let recoverable_in = match state {
            State::Unknown(reason) if recoverable && reason != UnknownReason::Disputed => {
                Some(lease_left)
            }
            _ => None,
        };
        Self { fingerprint, state, recoverable_in }
    }
}
