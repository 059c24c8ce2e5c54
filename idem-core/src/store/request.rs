//! The arguments and replies of store operations.

use std::time::Duration;

use crate::model::{
    Capacity, Claim, ClaimNonce, ExistingRecord, Fingerprint, Guarantee, Policy, Quota,
};

/// The parameters of a claim.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClaimRequest {
    /// A fresh nonce. A repeated claim has the same one.
    pub nonce: ClaimNonce,
    /// The fingerprint of the request. `None` matches every record.
    pub fingerprint: Option<Fingerprint>,
    /// The guarantee of the handler.
    pub guarantee: Guarantee,
    /// The time for which the claim stays valid without a renewal.
    pub lease: Duration,
    /// The time for which the record exists beyond its lease.
    pub ttl: Duration,
    /// At least once: a record that has reached this number of attempts is not taken over.
    pub max_attempts: u32,
    /// The quota of the scope. `None`: the number of its live keys is not limited.
    pub quota: Option<Quota>,
}

impl ClaimRequest {
    /// Creates a claim under `policy` with a random nonce, without a fingerprint and without a quota.
    pub fn new(policy: &Policy) -> Self {
        Self {
            nonce: ClaimNonce::random(),
            fingerprint: None,
            guarantee: policy.guarantee,
            lease: policy.lease,
            ttl: policy.ttl,
            max_attempts: policy.max_attempts,
            quota: None,
        }
    }

    /// Sets [`ClaimRequest::fingerprint`].
    #[must_use]
    pub const fn with_fingerprint(mut self, fingerprint: Option<Fingerprint>) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// Sets [`ClaimRequest::quota`].
    #[must_use]
    pub const fn with_quota(mut self, quota: Option<Quota>) -> Self {
        self.quota = quota;
        self
    }
}

/// The reply to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum ClaimOutcome {
    /// The caller owns the key.
    Acquired(Claim),
    /// The key is taken by this record.
    Exists(ExistingRecord),
    /// The key is new, and its scope or the store is full: [key quotas](crate::rules::semantics#key-quotas).
    AtCapacity(Capacity),
}

/// The reply to a change that presented a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Update {
    /// The claim was current. The change has been made, now or by an earlier call.
    Applied,
    /// The claim was stale, and nothing was changed. [`IdempotencyStore::complete`](super::IdempotencyStore::complete)
    /// adds the existing record if there is one; the other operations do not.
    Stale(Option<Box<ExistingRecord>>),
}
