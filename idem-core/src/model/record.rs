//! What a store keeps under a record id, and what it tells of it.

use std::fmt;

use super::{Fingerprint, Guarantee, RecordId, StoredResponse};

/// Who holds a claim: 128 random bits, drawn anew for every claim, so that a claim whose answer was
/// lost can be sent again and told from everybody else's (T2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClaimNonce([u8; 16]);

impl ClaimNonce {
    /// A new owner, from the thread's cryptographic generator.
    pub fn random() -> Self {
        Self(rand::random::<u128>().to_ne_bytes())
    }

    /// An owner as a store kept it.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The nonce itself.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for ClaimNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimNonce({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

/// A number that grows with every new owner of a key, also across deletes, because it is at least the
/// store's clock in microseconds (RELIABILITY section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(pub u64);

/// Proof of a won claim. Every later change of the record must present it, and a stale one changes
/// nothing (R32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The record.
    pub id: RecordId,
    /// The nonce the claim was made with.
    pub nonce: ClaimNonce,
    /// The fencing token the store gave.
    pub token: FencingToken,
    /// Which run of the key this is, from 1.
    pub attempt: u32,
}

/// What a store keeps under a [`RecordId`], apart from the two times that its own clock judges: until
/// when the lease holds, and when the record expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who made the current claim.
    pub nonce: ClaimNonce,
    /// The fencing token of the current claim.
    pub token: FencingToken,
    /// Which run of the key this is, from 1.
    pub attempt: u32,
    /// The guarantee the key was claimed under.
    pub guarantee: Guarantee,
    /// What the first request was, if it is compared.
    pub fingerprint: Option<Fingerprint>,
    /// Where the key stands.
    pub state: State,
}

/// The state of a key as it is written (DESIGN section 3). A running record whose lease lapsed is
/// *read* as [`Unknown`](State::Unknown); nobody writes that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// A run is under way.
    Running,
    /// The answer that every retry gets.
    Completed(StoredResponse),
    /// It ran to its end, but the answer was not kept (R37).
    NotRetained {
        /// The status the first caller saw.
        status: u16,
    },
    /// It started, and nobody knows how it ended (R31).
    Unknown,
}

impl State {
    /// Whether the owner may still write a completion: a late owner may resolve `Unknown` (T4).
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Running | Self::Unknown)
    }
}

/// How a run ended, as its owner reports it to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// With an answer to replay (T4).
    Response(StoredResponse),
    /// With an answer that could not be kept (T6).
    NotRetained {
        /// The status the first caller saw.
        status: u16,
    },
    /// Nobody knows: it was given up (T9).
    Unknown,
}

impl From<Completion> for State {
    fn from(completion: Completion) -> Self {
        match completion {
            Completion::Response(answer) => Self::Completed(answer),
            Completion::NotRetained { status } => Self::NotRetained { status },
            Completion::Unknown => Self::Unknown,
        }
    }
}

/// What a duplicate learns of the record that stands in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingRecord {
    /// What the first request was.
    pub fingerprint: Option<Fingerprint>,
    /// Where the key stands, judged by the store's clock: a lapsed record reads as unknown (T10, T12).
    pub state: State,
}

impl Record {
    /// What a duplicate learns of this record, given whether its lease lapsed.
    pub fn observe(&self, lapsed: bool) -> ExistingRecord {
        let state = match &self.state {
            State::Running if lapsed => State::Unknown,
            state => state.clone(),
        };
        ExistingRecord { fingerprint: self.fingerprint, state }
    }
}
