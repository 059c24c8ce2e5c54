//! JSON with stable names: times as in RFC 3339, durations as in ISO 8601.

use std::collections::BTreeMap;
use std::time::Duration;

use idem_core::http::Differences;
use idem_core::records::{AuditCheck, AuditRecord, FoundState, RecordHandle};
use idem_core::store::{RecordId, StoredResponse, Timestamp};
use jiff::SignedDuration;
use serde::Serialize;

use super::Details;
use crate::commands::Stats;

/// Prints an object on one line.
pub(super) fn print(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(line) => println!("{line}"),
        Err(error) => eprintln!("cannot write JSON: {error}"),
    }
}

fn time(time: Timestamp) -> String {
    let time =
        i64::try_from(time.0).ok().and_then(|time| jiff::Timestamp::from_microsecond(time).ok());
    time.unwrap_or(jiff::Timestamp::MAX).to_string()
}

fn duration(duration: Duration) -> String {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX).to_string()
}

#[derive(Serialize)]
pub(super) struct Record<'a> {
    schema: &'static str,
    record: String,
    operation: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    label: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    dispute: &'a str,
    since: String,
    age: String,
    lease_until: String,
    expires_at: String,
    attempt: u32,
    guarantee: &'static str,
    recover: bool,
    fencing_token: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    downstream: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    late_completions: Vec<Audit<'a>>,
}

/// A stored response. A body that is not text is hexadecimal.
#[derive(Serialize)]
struct Response {
    status: u16,
    headers: Vec<[String; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_hex: Option<String>,
}

impl Response {
    fn new(StoredResponse { status, headers, body, .. }: &StoredResponse) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = headers.iter().map(|(name, value)| [text(name), text(&value)]).collect();
        let (body, body_hex) = match str::from_utf8(body) {
            Ok(body) => (Some(body.to_owned()), None),
            Err(_) => (None, Some(hex::encode(body))),
        };
        Self { status: *status, headers, body, body_hex }
    }
}

impl<'a> Record<'a> {
    pub(super) fn new(record: &'a RecordHandle, details: &Details<'a>) -> Self {
        let status = match record.state {
            FoundState::Completed { status } | FoundState::NotRetained { status } => Some(status),
            FoundState::Running | FoundState::Unknown(_) => None,
        };
        let key = |label: &'a String| (&**label, record.downstream_key(label).as_str().to_owned());
        Self {
            schema: "idem.record/1",
            record: super::id(record.id),
            operation: record.extras.operation(),
            label: record.extras.label(),
            state: super::state_name(record.state),
            status,
            reason: super::reason(record),
            dispute: record.extras.dispute(),
            since: time(record.since()),
            age: duration(record.age()),
            lease_until: time(record.lease_until),
            expires_at: time(record.expires_at),
            attempt: record.attempt,
            guarantee: record.guarantee.name(),
            recover: record.recoverable,
            fencing_token: record.token.0,
            downstream: details.downstream.iter().map(key).collect(),
            response: details.response.map(Response::new),
            late_completions: details.late.iter().map(Audit::new).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Changed {
    schema: &'static str,
    record: String,
    done: &'static str,
}

impl Changed {
    pub(super) fn new(record: RecordId, done: &'static str) -> Self {
        Self { schema: "idem.change/1", record: super::id(record), done }
    }
}

#[derive(Serialize)]
pub(super) struct Audit<'a> {
    schema: &'static str,
    at: String,
    record: String,
    action: &'static str,
    actor: &'a str,
    reason: &'a str,
    state_before: &'a str,
    fencing_token_before: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_sha256: Option<String>,
    /// The digest of the entry before this one, if the store chains its entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_sha256: Option<String>,
    outcome: &'static str,
}

impl<'a> Audit<'a> {
    pub(super) fn new(record: &'a AuditRecord) -> Self {
        let AuditRecord { at, entry, outcome, previous, .. } = record;
        Self {
            schema: "idem.audit/1",
            at: time(*at),
            record: super::id(entry.record),
            action: entry.action.name(),
            actor: &entry.actor,
            reason: &entry.reason,
            state_before: &entry.state,
            fencing_token_before: entry.token.0,
            response_sha256: entry.response_digest.map(hex::encode),
            previous_sha256: previous.map(hex::encode),
            outcome: super::outcome_name(*outcome),
        }
    }
}

#[derive(Serialize)]
pub(super) struct AuditCheckView<'a> {
    schema: &'static str,
    chain: &'static str,
    entries: u64,
    /// The digest of the newest entry of an intact log.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken_at: Option<Audit<'a>>,
}

impl<'a> AuditCheckView<'a> {
    pub(super) fn new(check: &'a AuditCheck, newest: Option<[u8; 32]>) -> Self {
        let (chain, entries, broken_at) = match check {
            AuditCheck::Intact { entries } => ("intact", *entries, None),
            AuditCheck::Broken { entries, record } => {
                ("broken", *entries, Some(Audit::new(record)))
            }
            AuditCheck::NotChained => ("none", 0, None),
        };
        let newest_sha256 = newest.map(hex::encode);
        Self { schema: "idem.audit-check/1", chain, entries, newest_sha256, broken_at }
    }
}

#[derive(Serialize)]
pub(super) struct DifferencesView<'a> {
    schema: &'static str,
    differs: &'a [String],
    only_in_first: usize,
}

impl<'a> DifferencesView<'a> {
    pub(super) fn new(differences: &'a Differences) -> Self {
        let Differences { parts, only_in_first, .. } = differences;
        Self { schema: "idem.explain/1", differs: parts, only_in_first: *only_in_first }
    }
}

#[derive(Serialize)]
pub(super) struct Pruned {
    schema: &'static str,
    deleted: u64,
}

impl Pruned {
    pub(super) const fn new(deleted: u64) -> Self {
        Self { schema: "idem.prune/1", deleted }
    }
}

#[derive(Serialize)]
pub(super) struct StatsView<'a> {
    schema: &'static str,
    operations: &'a BTreeMap<String, BTreeMap<&'static str, u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_unknown: Option<OldestUnknown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep_lag: Option<String>,
}

#[derive(Serialize)]
struct OldestUnknown {
    record: String,
    since: String,
    age: String,
}

impl<'a> StatsView<'a> {
    pub(super) fn new(stats: &'a Stats, sweep_lag: Option<Duration>) -> Self {
        let oldest = stats.oldest_unknown.as_ref().map(|record| OldestUnknown {
            record: super::id(record.id),
            since: time(record.since()),
            age: duration(record.age()),
        });
        Self {
            schema: "idem.stats/1",
            operations: &stats.counts,
            oldest_unknown: oldest,
            sweep_lag: sweep_lag.map(duration),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Doctor<'a> {
    schema: &'static str,
    healthy: bool,
    issues: &'a [String],
}

impl<'a> Doctor<'a> {
    pub(super) const fn new(issues: &'a [String]) -> Self {
        Self { schema: "idem.doctor/1", healthy: issues.is_empty(), issues }
    }
}
