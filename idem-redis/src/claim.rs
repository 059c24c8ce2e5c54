//! The two ways to claim a key: a plain command where it is sufficient, and the script otherwise.

use std::time::Instant;

use bytes::{BufMut, Bytes};
use deadpool_redis::redis::{Cmd, RedisWrite, Value};
use idem_core::store::{Claim, ClaimOutcome, ClaimRequest, FencingToken, RecordId, StoreError};

use crate::conn::Connection;
use crate::error::UnexpectedReply;
use crate::fencing::{ClockSample, MAX_CLAIM_LATENCY};
use crate::reply;
use crate::shared::Shared;
use crate::value::{self, Prefix};

/// Claims with `SET NX GET` and the token of `sample`. Returns `None` if only the script can decide: the
/// record is running or will expire soon, or the reply was too slow.
pub(crate) async fn by_command(
    shared: &Shared,
    connection: &Connection,
    sample: ClockSample,
    id: RecordId,
    request: &ClaimRequest,
) -> Result<Option<ClaimOutcome>, StoreError> {
    let key = shared.keys.record(id);
    let prefix = Prefix::plain_claim(request.lease, request.ttl);
    let mut set = Cmd::with_capacity(7, key.len() + 128);
    set.arg("SET").arg(&*key);
    let mut value = set.bufmut_for_next_arg(80);
    value.put_slice(&prefix.bytes);
    value::first_attempt(request, sample.token).put(&mut value);
    drop(value);
    set.arg("NX").arg("GET").arg("PX").arg(prefix.kept_ms);
    match connection.send(set).await? {
        Value::Nil if sample.is_fresh() => {
            let claim = Claim { id, nonce: request.nonce, token: sample.token, attempt: 1 };
            Ok(Some(ClaimOutcome::Acquired(claim)))
        }
        Value::BulkString(found) if value::is_settled(&found) => {
            let existing = value::existing_record(&Bytes::from(found), false)?;
            Ok(Some(ClaimOutcome::Exists(existing)))
        }
        Value::Nil | Value::BulkString(_) => Ok(None),
        _ => Err(StoreError::unknown(UnexpectedReply("SET"))),
    }
}

/// Claims with `claim.lua`. The server's time that it returns becomes the clock sample of the connection.
pub(crate) async fn by_script(
    shared: &Shared,
    connection: &Connection,
    id: RecordId,
    request: &ClaimRequest,
) -> Result<ClaimOutcome, StoreError> {
    let key = shared.keys.record(id);
    let prefix = Prefix::running(request.lease, request.ttl);
    // The script writes the token and the attempt.
    let record = value::first_attempt(request, FencingToken(0)).to_bytes();
    let add_args = |command: &mut Cmd| {
        command
            .arg(&prefix.bytes[..])
            .arg(&*record)
            .arg(prefix.kept_ms)
            .arg(request.max_attempts)
            .arg(MAX_CLAIM_LATENCY.as_micros() as u64);
    };
    let requested_at = Instant::now();
    let reply = shared.scripts.claim.run(connection, &key, 128, add_args).await?;
    let (outcome, now) = reply::claim(reply, id, request.nonce)?;
    if let Some(now) = now {
        connection.clock.observe(now, requested_at);
    }
    Ok(outcome)
}
