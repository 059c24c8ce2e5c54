//! What a store keeps under a key.

use super::Timestamp;
use crate::model::{Claim, ExistingRecord, Record};

/// A record with its two times on the store's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The record.
    pub record: Record,
    /// The end of the lease of a running record, and of the quiet time of an unknown one. It has no meaning in other
    /// states.
    pub lease_until: Timestamp,
    /// The time from which the record counts as absent. While the record is running or unknown, it is `hold` after
    /// `lease_until`.
    pub expires_at: Timestamp,
}

impl Slot {
    /// Whether the record counts as absent. This is exact, even if the expired record is deleted much later.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Whether the lease or the quiet time has ended.
    pub fn lapsed(&self, now: Timestamp) -> bool {
        self.lease_until <= now
    }

    /// Returns the record as a duplicate sees it.
    pub fn observe(&self, now: Timestamp) -> ExistingRecord {
        self.record.observe(self.lease_until.since(now))
    }

    /// Whether the record is unexpired and `claim` is its current claim.
    pub(super) fn held_by(&self, claim: &Claim, now: Timestamp) -> bool {
        let current = self.record.nonce == claim.nonce && self.record.token == claim.token;
        !self.expired(now) && current
    }
}

/// The change that a transition makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The stored slot stays as it is.
    Keep,
    /// The slot is written, and replaces the stored one.
    Put(Slot),
    /// The stored slot is deleted.
    Remove,
}
