//! A server, a store on it, and a proxy in between.

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

pub(crate) fn key() -> RecordId {
    RecordId::from_bytes(rand::random())
}

pub(crate) fn answered(body: impl Into<Bytes>) -> Completion {
    Completion::Response(answer(body))
}

pub(crate) fn answer(body: impl Into<Bytes>) -> StoredResponse {
    StoredResponse { status: 201, headers: Headers::default(), body: body.into() }
}

pub(crate) fn completed(body: &str) -> ClaimOutcome {
    ClaimOutcome::Exists(ExistingRecord {
        fingerprint: None,
        state: State::Completed(answer(body.to_owned())),
    })
}

/// A store that does nothing by itself.
pub(crate) fn builder() -> PostgresStoreBuilder {
    PostgresStore::builder().sweep_every(None)
}

pub(crate) async fn store(server: &PostgresServer) -> PostgresStore {
    builder().connect(&server.url()).await.unwrap()
}

pub(crate) async fn won(store: &PostgresStore) -> Claim {
    match store.claim(key(), request()).await.unwrap() {
        ClaimOutcome::Acquired(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// What a call failed with.
pub(crate) fn failure<T: std::fmt::Debug>(
    answer: Result<T, idem_core::store::StoreError>,
) -> StoreErrorKind {
    answer.unwrap_err().kind()
}

/// The URL of the server behind a proxy.
pub(crate) fn url(proxy: &Proxy) -> String {
    format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port())
}
