//! The record of a key, and the values that claims and completions exchange with a store.

use std::fmt;

use super::{Fingerprint, Guarantee, RecordId, StoredResponse};

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
    /// The fingerprint of the request that made the claim. `None` if requests are not compared.
    pub fingerprint: Option<Fingerprint>,
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
    Unknown,
}

impl State {
    /// Whether the owner may still complete the record. A late owner may resolve `Unknown`.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Running | Self::Unknown)
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
    Unknown,
}

impl From<Completion> for State {
    fn from(completion: Completion) -> Self {
        match completion {
            Completion::Response(response) => Self::Completed(response),
            Completion::NotRetained { status } => Self::NotRetained { status },
            Completion::Unknown => Self::Unknown,
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
}

impl Record {
    /// Returns the record as a duplicate sees it. `lapsed` is whether its lease has ended.
    pub fn observe(&self, lapsed: bool) -> ExistingRecord {
        let state = match &self.state {
            State::Running if lapsed => State::Unknown,
            state => state.clone(),
        };
        ExistingRecord { fingerprint: self.fingerprint, state }
    }
}
