//! Requests, completions and claims for tests that call a store directly.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, Headers, IdempotencyStore,
    RecordId, State, StoreError, StoreErrorKind, StoredResponse,
};
use idem_core::{Guarantee, Policy};

/// The lease and the ttl of a [`request`].
pub const HOUR: Duration = Duration::from_secs(3600);

/// A claim under at most once.
pub fn request() -> ClaimRequest {
    ClaimRequest::new(&Policy::new(HOUR, Guarantee::AtMostOnce).with_lease(HOUR))
}

/// The id of a record that does not exist.
pub fn new_id() -> RecordId {
    RecordId::from_bytes(rand::random())
}

/// A response with status 201 and no headers.
pub fn response(body: impl Into<Bytes>) -> StoredResponse {
    StoredResponse::new(201, Headers::default(), body.into())
}

/// The completion with a [`response`].
pub fn completion(body: impl Into<Bytes>) -> Completion {
    Completion::Response(response(body))
}

/// The outcome of a claim whose key has a record in this state, and no fingerprint.
pub fn existing(state: State) -> ClaimOutcome {
    ClaimOutcome::Exists(ExistingRecord { fingerprint: None, state, recoverable_in: None })
}

/// The outcome of a claim whose key is completed with a [`response`].
pub fn completed(body: impl Into<Bytes>) -> ClaimOutcome {
    existing(State::Completed(response(body)))
}

/// Claims a new key.
///
/// # Panics
/// If the claim is not acquired.
pub async fn claim_new(store: &impl IdempotencyStore) -> Claim {
    match store.claim(new_id(), request()).await.expect("the store replies") {
        ClaimOutcome::Acquired(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// The kind of the error that a call must have returned.
///
/// # Panics
/// If it succeeded.
pub fn error_kind<T: Debug>(result: Result<T, StoreError>) -> StoreErrorKind {
    result.expect_err("the call should have failed").kind()
}
