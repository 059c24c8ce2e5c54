//! The audit log: a stream with one entry before each change by hand, and one after it.
//!
//! An entry before a change, the intent, has the fields of [`AuditEntry`]. The entry after it has the id of the intent and
//! the outcome. An entry about something that changed no record has both. The log is never trimmed automatically.

use std::collections::HashMap;
use std::time::Duration;

use deadpool_redis::redis::{Cmd, Value, cmd, from_redis_value};
use idem_core::store::{
    AuditAction, AuditEntry, AuditFilter, AuditOutcome, AuditPage, AuditRecord, Cursor,
    FencingToken, RecordId, StoreError, Timestamp,
};

use crate::conn::Connection;
use crate::error::UnexpectedReply;
use crate::shared::Shared;

/// Number of entries that one command reads.
const PAGE: usize = 1_000;

/// The time after an intent within which its outcome is looked for. Between the two entries is one change of a record.
const MAX_CHANGE_TIME: Duration = Duration::from_secs(600);

/// Writes the intent of a change, and returns its id in the stream.
pub(super) async fn begin(
    shared: &Shared,
    connection: &Connection,
    entry: &AuditEntry,
) -> Result<String, StoreError> {
    let id = connection.send(add(shared, entry)).await?;
    from_redis_value(id).map_err(|_| unexpected("XADD"))
}

/// Returns the command that writes an entry.
fn add(shared: &Shared, entry: &AuditEntry) -> Cmd {
    let mut add = cmd("XADD");
    add.arg(shared.keys.audit()).arg("*");
    add.arg("record").arg(hex::encode(entry.record.as_bytes()));
    add.arg("action").arg(entry.action.name());
    add.arg("actor").arg(&*entry.actor).arg("reason").arg(&*entry.reason);
    add.arg("token").arg(entry.token.0).arg("state").arg(&*entry.state);
    if let Some(digest) = entry.response_digest {
        add.arg("response").arg(hex::encode(digest));
    }
    add
}

/// Writes the outcome of the change with this intent.
pub(super) async fn end(
    shared: &Shared,
    connection: &Connection,
    intent: &str,
    outcome: AuditOutcome,
) -> Result<(), StoreError> {
    let outcome = if outcome == AuditOutcome::Done { "done" } else { "rejected" };
    let mut add = cmd("XADD");
    add.arg(shared.keys.audit()).arg("*").arg("intent").arg(intent).arg("outcome").arg(outcome);
    connection.send(add).await?;
    Ok(())
}

/// Writes an entry about something that changed no record.
pub(super) async fn append(shared: &Shared, entry: &AuditEntry) -> Result<(), StoreError> {
    let connection = shared.connections.get().await?;
    let mut add = add(shared, entry);
    add.arg("outcome").arg("done");
    connection.send(add).await?;
    Ok(())
}

/// Deletes the entries that were written before a time, and returns their number.
pub(super) async fn prune(shared: &Shared, before: Timestamp) -> Result<u64, StoreError> {
    let connection = shared.connections.get().await?;
    let mut trim = cmd("XTRIM");
    trim.arg(shared.keys.audit()).arg("MINID").arg(format!("{}-0", before.0.div_ceil(1000)));
    from_redis_value(connection.send(trim).await?).map_err(|_| unexpected("XTRIM"))
}

/// Returns the selected changes from `after` on, up to `limit`. The cursor is the id of the last intent.
pub(super) async fn page(
    shared: &Shared,
    filter: AuditFilter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<AuditPage, StoreError> {
    let connection = shared.connections.get().await?;
    let mut start = match (after, filter.since) {
        (Some(Cursor(id)), _) => exclusive(&String::from_utf8_lossy(&id)),
        (None, Some(since)) => format!("{}-0", since.0 / 1000),
        (None, None) => "-".to_owned(),
    };
    let mut found: Vec<(String, AuditRecord)> = Vec::new();
    loop {
        let entries = read(shared, &connection, &start).await?;
        let (is_last, mut read_until) = (entries.len() < PAGE, Timestamp(0));
        for (id, fields) in entries {
            start = exclusive(&id);
            read_until = time_of(&id);
            if let Some(intent) = fields.get("intent") {
                let record = found.iter_mut().rev().find(|(id, _)| id == intent);
                if let (Some((_, record)), Some(outcome)) = (record, outcome(&fields)) {
                    record.outcome = outcome;
                }
            } else if found.len() < limit
                && let Some(entry) = entry(&fields)
            {
                let outcome = outcome(&fields).unwrap_or(AuditOutcome::Unfinished);
                let record = AuditRecord { at: read_until, entry, outcome, previous: None };
                if filter.matches(&record) {
                    found.push((id, record));
                }
            }
        }
        let is_pending = |record: &AuditRecord| {
            record.outcome == AuditOutcome::Unfinished
                && read_until < record.at.after(MAX_CHANGE_TIME)
        };
        let is_full = found.len() == limit;
        if is_last || is_full && !found.iter().any(|(_, record)| is_pending(record)) {
            let last = found.last().filter(|_| is_full);
            let next = last.map(|(id, _)| Cursor(id.clone().into()));
            let records = found.into_iter().map(|(_, record)| record).collect();
            return Ok(AuditPage { records, next });
        }
    }
}

type Fields = HashMap<String, String>;

/// Reads up to [`PAGE`] entries from `start` on.
async fn read(
    shared: &Shared,
    connection: &Connection,
    start: &str,
) -> Result<Vec<(String, Fields)>, StoreError> {
    let mut range = cmd("XRANGE");
    range.arg(shared.keys.audit()).arg(start).arg("+").arg("COUNT").arg(PAGE);
    let Value::Array(entries) = connection.send(range).await? else {
        return Err(unexpected("XRANGE"));
    };
    let read = entries.into_iter().map(|entry| {
        let Value::Array(parts) = entry else { return Err(unexpected("XRANGE")) };
        let [id, fields] = <[Value; 2]>::try_from(parts).map_err(|_| unexpected("XRANGE"))?;
        let id = from_redis_value(id).map_err(|_| unexpected("XRANGE"))?;
        let fields = from_redis_value(fields).map_err(|_| unexpected("XRANGE"))?;
        Ok((id, fields))
    });
    read.collect()
}

/// Parses an intent. Returns `None` for entries of other programs and of later versions.
fn entry(fields: &Fields) -> Option<AuditEntry> {
    let get = |name: &str| fields.get(name).map(String::as_str);
    let record = RecordId::from_bytes(digest(get("record")?)?);
    let action = AuditAction::from_name(get("action")?)?;
    let token = FencingToken(get("token")?.parse().ok()?);
    let (actor, reason, state) = (get("actor")?, get("reason")?, get("state")?);
    let mut entry = AuditEntry::new(record, action, actor, reason, token, state);
    entry.response_digest = get("response").and_then(digest);
    Some(entry)
}

fn outcome(fields: &Fields) -> Option<AuditOutcome> {
    match fields.get("outcome")?.as_str() {
        "done" => Some(AuditOutcome::Done),
        "rejected" => Some(AuditOutcome::Rejected),
        _ => None,
    }
}

fn digest(digits: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(digits, &mut digest).ok()?;
    Some(digest)
}

/// The time of a stream's entry: its id begins with the server's clock in milliseconds.
fn time_of(id: &str) -> Timestamp {
    let millis = id.split('-').next().and_then(|millis| millis.parse::<u64>().ok());
    Timestamp(millis.unwrap_or(0).saturating_mul(1000))
}

fn exclusive(id: &str) -> String {
    format!("({id}")
}

fn unexpected(command: &'static str) -> StoreError {
    StoreError::unknown(UnexpectedReply(command))
}
