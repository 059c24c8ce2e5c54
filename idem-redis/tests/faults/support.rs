//! Requests, claims and stores of the tests.

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use idem_core::store::{
    AuditAction, AuditEntry, Claim, ClaimOutcome, ClaimRequest, Completion, ExistingRecord,
    FencingToken, FoundRecord, Headers, IdempotencyStore, RecordId, State, StoreError,
    StoreErrorKind, StoredResponse,
};
use idem_core::{Guarantee, Policy};
use idem_redis::RedisStore;
use idem_testkit::servers::{Proxy, RedisServer};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn request() -> ClaimRequest {
    ClaimRequest::new(&Policy::new(HOUR, Guarantee::AtMostOnce).with_lease(HOUR))
}

pub(crate) fn key() -> RecordId {
    RecordId::from_bytes(rand::random())
}

pub(crate) fn completion(body: impl Into<Bytes>) -> Completion {
    Completion::Response(response(body))
}

pub(crate) fn response(body: impl Into<Bytes>) -> StoredResponse {
    StoredResponse { status: 201, headers: Headers::default(), body: body.into() }
}

/// A duplicate finds a stored response with this body.
pub(crate) fn completed(body: &'static str) -> ClaimOutcome {
    ClaimOutcome::Exists(ExistingRecord {
        fingerprint: None,
        state: State::Completed(response(body)),
        recoverable_in: None,
    })
}

pub(crate) async fn store(server: &RedisServer) -> RedisStore {
    RedisStore::connect(&server.url()).await.unwrap()
}

/// Claims a new key.
pub(crate) async fn won(store: &RedisStore) -> Claim {
    match store.claim(key(), request()).await.unwrap() {
        ClaimOutcome::Acquired(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// The kind of the error that a call returned.
pub(crate) fn error_kind<T: Debug>(result: Result<T, StoreError>) -> StoreErrorKind {
    result.unwrap_err().kind()
}

/// The number of calls of each command, without those of new connections and health checks.
pub(crate) fn calls(server: &RedisServer) -> HashMap<String, u64> {
    let stats = server.cli(&["info", "commandstats"]);
    let calls = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    });
    let other = ["info", "incr", "hello", "config|resetstat"];
    calls.filter(|(name, _)| !other.contains(&&**name) && !name.starts_with("client")).collect()
}

/// The URL of the server behind a proxy.
pub(crate) fn url(proxy: &Proxy) -> String {
    format!("redis://127.0.0.1:{}/", proxy.port())
}

/// The key of a record in the default namespace.
pub(crate) fn key_name(id: RecordId) -> String {
    let hex: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("idem:default:{hex}")
}

/// The record of an id as an administrator sees it.
pub(crate) async fn found(store: &RedisStore, id: RecordId) -> FoundRecord {
    store.records().unwrap().find(id).await.unwrap().unwrap()
}

/// An entry of the audit log for a release.
pub(crate) fn audit_entry(id: RecordId, token: FencingToken) -> AuditEntry {
    AuditEntry::new(id, AuditAction::Release, "ada@host", "a test", token, "outcome unknown")
}
