//! Stores on a test server, and requests and responses for them.

use std::time::Duration;

use bytes::Bytes;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, Headers, IdempotencyStore,
    RecordId, State, StoreErrorKind, StoredResponse,
};
use idem_core::{Guarantee, Policy};
use idem_postgres::{PostgresStore, PostgresStoreBuilder};
use idem_testkit::servers::{PostgresServer, Proxy};

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
    ClaimOutcome::Exists(ExistingRecord {
        fingerprint: None,
        state: State::Completed(response(body.to_owned())),
        recoverable_in: None,
    })
}

/// A claim with a lease of an hour by a handler with `recover`.
pub(crate) fn recovering() -> ClaimRequest {
    request().with_recoverable(true)
}

/// A builder for a store that does not sweep by itself.
pub(crate) fn builder() -> PostgresStoreBuilder {
    PostgresStore::builder().sweep_every(None)
}

pub(crate) async fn store(server: &PostgresServer) -> PostgresStore {
    builder().connect(&server.url()).await.unwrap()
}

/// Claims a new key.
pub(crate) async fn claim_new(store: &PostgresStore) -> Claim {
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

/// The URL of the server through a proxy.
pub(crate) fn url(proxy: &Proxy) -> String {
    format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port())
}
