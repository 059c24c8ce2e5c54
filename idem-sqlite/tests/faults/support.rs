//! Stores on a file, and requests and responses for them.

use std::time::Duration;

use bytes::Bytes;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, Headers, IdempotencyStore,
    RecordId, State, StoreErrorKind, StoredResponse,
};
use idem_core::{Guarantee, Policy};
use idem_sqlite::{SqliteStore, SqliteStoreBuilder};
use idem_testkit::servers::SqliteFile;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn request() -> ClaimRequest {
    ClaimRequest::new(&Policy::new(HOUR, Guarantee::AtMostOnce).with_lease(HOUR))
}

pub(crate) fn new_id() -> RecordId {
    RecordId::from_bytes(rand::random())
}

pub(crate) fn completion(body: impl Into<Bytes>) -> Completion {
    Completion::Response(response(body))
}

pub(crate) fn response(body: impl Into<Bytes>) -> StoredResponse {
    StoredResponse { status: 201, headers: Headers::default(), body: body.into() }
}

/// The outcome of a claim whose key has a completed record.
pub(crate) fn completed(body: &str) -> ClaimOutcome {
    existing(State::Completed(response(body.to_owned())))
}

pub(crate) fn existing(state: State) -> ClaimOutcome {
    ClaimOutcome::Exists(ExistingRecord { fingerprint: None, state, recoverable_in: None })
}

/// A builder for a store that does not sweep by itself.
pub(crate) fn builder() -> SqliteStoreBuilder {
    SqliteStore::builder().sweep_every(None)
}

pub(crate) async fn store(file: &SqliteFile) -> SqliteStore {
    builder().open(file.path()).await.unwrap()
}

/// Claims a new key.
pub(crate) async fn claim_new(store: &SqliteStore) -> Claim {
    match store.claim(new_id(), request()).await.unwrap() {
        ClaimOutcome::Acquired(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// The kind of the error that a call must have returned.
pub(crate) fn error_kind<T: std::fmt::Debug>(
    result: Result<T, idem_core::store::StoreError>,
) -> StoreErrorKind {
    result.unwrap_err().kind()
}

/// An error with its sources, as a log shows it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
