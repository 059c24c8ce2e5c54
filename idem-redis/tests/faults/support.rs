//! Requests, claims and stores of the tests.

use std::collections::HashMap;

pub(crate) use crate::harness::builder;
pub(crate) use idem_testkit::records::{
    HOUR, claim_new as won, completed, completion, error_kind, new_id as key, request, response,
};

use idem_core::store::{
    AuditAction, AuditEntry, FencingToken, FoundRecord, IdempotencyStore, RecordId,
};
use idem_redis::RedisStore;
use idem_testkit::servers::{Proxy, RedisServer};

pub(crate) async fn store(server: &RedisServer) -> RedisStore {
    builder().connect(&server.url()).await.unwrap()
}

/// The number of calls of each command, without those of new connections and health checks.
pub(crate) fn calls(server: &RedisServer) -> HashMap<String, u64> {
    let stats = server.cli(&["info", "commandstats"]);
    let calls = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    });
    let other = ["info", "incr", "pexpire", "hello", "config|resetstat"];
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
