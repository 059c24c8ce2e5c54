//! The arguments and replies of store operations.

use std::time::Duration;

use crate::model::{
    Capacity, Claim, ClaimNonce, ExistingRecord, Extras, Fingerprint, Guarantee, LostRun, Policy,
    Quota, StoredResponse,
};

/// The parameters of a claim.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClaimRequest {
    /// A fresh nonce. A repeated claim has the same one.
    pub nonce: ClaimNonce,
    /// The fingerprint of the request. `None` matches every record.
    pub fingerprint: Option<Fingerprint>,
    /// The guarantee of the handler.
    pub guarantee: Guarantee,
    /// Whether the caller can recover an unknown outcome, because its handler has `recover`.
    pub recoverable: bool,
    /// The time for which the claim stays valid without a renewal.
    pub lease: Duration,
    /// The time for which the record exists beyond its lease.
    pub hold: Duration,
    /// The time for which the record will probably exist after its completion. Stores can use it to plan deletions.
    pub ttl: Duration,
    /// At least once: a record that has reached this number of attempts is not taken over.
    pub max_attempts: u32,
    /// The quota of the scope. `None`: the number of its live keys is not limited.
    pub quota: Option<Quota>,
    /// The optional fields of the new record.
    pub extras: Extras,
}

impl ClaimRequest {
    /// Creates a claim under `policy` with a random nonce, without a fingerprint, a quota or
    /// optional fields, for a caller that cannot recover.
    pub fn new(policy: &Policy) -> Self {
        Self {
            nonce: ClaimNonce::random(),
            fingerprint: None,
            guarantee: policy.guarantee,
            recoverable: false,
            lease: policy.lease,
            hold: policy.hold,
            ttl: policy.ttl,
            max_attempts: policy.max_attempts,
            quota: None,
            extras: Extras::default(),
        }
    }

    /// Sets [`ClaimRequest::fingerprint`].
    #[must_use]
    pub fn with_fingerprint(mut self, fingerprint: Option<Fingerprint>) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// Sets [`ClaimRequest::quota`].
    #[must_use]
    pub fn with_quota(mut self, quota: Option<Quota>) -> Self {
        self.quota = quota;
        self
    }

    /// Sets [`ClaimRequest::recoverable`].
    #[must_use]
    pub fn with_recoverable(mut self, recoverable: bool) -> Self {
        self.recoverable = recoverable;
        self
    }

    /// Sets [`ClaimRequest::extras`].
    #[must_use]
    pub fn with_extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }
}

/// The reply to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum ClaimOutcome {
    /// The caller owns the key, and may run the handler.
    Acquired(Claim),
    /// The caller owns the key of a lost run, to determine its outcome. The handler must not run before
    /// [`resume_run`](super::IdempotencyStore::resume_run) is applied.
    Recovering(Claim, LostRun),
    /// The key is taken by this record.
    Exists(ExistingRecord),
    /// The key is new, and its scope or the store is full: [key quotas](crate::rules::semantics#key-quotas).
    AtCapacity(Capacity),
}

/// The resolution of a record by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Stores the response that later requests get, and keeps it for `ttl`.
    Complete {
        /// The response.
        response: StoredResponse,
        /// The time for which it is replayed.
        ttl: Duration,
    },
    /// Frees the key of an unknown outcome. The next request runs the handler.
    Release,
    /// Keeps the unknown outcome for this time, counted from now.
    Hold(Duration),
    /// Deletes a record whose run has ended. The next request runs the handler again.
    Evict,
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
