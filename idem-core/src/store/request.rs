//! The arguments and results of a store's operations.

use std::time::Duration;

use crate::model::{
    Capacity, Claim, ClaimNonce, ExistingRecord, Fingerprint, Guarantee, Policy, Quota,
};

/// What a claim says of itself.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClaimRequest {
    /// A fresh nonce, kept over retries of the same claim.
    pub nonce: ClaimNonce,
    /// What the request is; `None` compares nothing.
    pub fingerprint: Option<Fingerprint>,
    /// The guarantee of the handler.
    pub guarantee: Guarantee,
    /// How long the claim holds unless it is renewed.
    pub lease: Duration,
    /// How long a record is kept beyond its lease.
    pub ttl: Duration,
    /// At least once: a record with this many attempts is not taken over.
    pub max_attempts: u32,
    /// How many live keys the scope may have, if that is bounded.
    pub quota: Option<Quota>,
}

impl ClaimRequest {
    /// A claim under `policy` by a new owner.
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

    /// Compares the request by `fingerprint`.
    #[must_use]
    pub const fn with_fingerprint(mut self, fingerprint: Option<Fingerprint>) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// Bounds the scope's live keys.
    #[must_use]
    pub const fn with_quota(mut self, quota: Option<Quota>) -> Self {
        self.quota = quota;
        self
    }
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum ClaimOutcome {
    /// The caller owns the key now.
    Acquired(Claim),
    /// The key is taken; this is what stands there.
    Exists(ExistingRecord),
    /// The key is new, and there is no room for it (R41).
    AtCapacity(Capacity),
}

/// The answer to a change that presented a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Update {
    /// The claim was current; the change is made, or was made before.
    Applied,
    /// The claim is stale; nothing was changed. [`IdempotencyStore::complete`] tells what stands there.
    Stale(Option<Box<ExistingRecord>>),
}
