//! The two ways to claim a key: a plain command where it is sufficient, and the script otherwise.

use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes};
use deadpool_redis::redis::{Cmd, RedisWrite, Value};
use idem_core::codec::CodecError;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, FencingToken, Record, RecordId, StoreError, Timestamp,
};

use crate::claim_cache::CachedClaim;
use crate::conn::Connection;
use crate::error::UnexpectedReply;
use crate::fencing::{ClockSample, MAX_CLAIM_LATENCY};
use crate::reply::{self, ClaimReply};
use crate::shared::Shared;
use crate::value::{self, PREFIX_LEN, Prefix};

/// Claims with `SET NX GET` and the token of `sample`. Returns `None` if only the script can decide: the
/// record is running, can be recovered or will expire soon, or the reply was too slow.
pub(crate) async fn by_command(
    shared: &Shared,
    connection: &Connection,
    sample: ClockSample,
    id: RecordId,
    request: &ClaimRequest,
) -> Result<Option<ClaimOutcome>, StoreError> {
    let key = shared.keys.record(id);
    let prefix = Prefix::plain_claim(request.lease, request.hold);
    let record = value::first_attempt(request, sample.token);
    let value_len = PREFIX_LEN + record.encoded_len();
    let mut set = Cmd::with_capacity(7, key.len() + value_len + 48);
    set.arg("SET").arg(&*key);
    let mut value = set.bufmut_for_next_arg(value_len);
    value.put_slice(&prefix.bytes);
    record.put(&mut value);
    drop(value);
    set.arg("NX").arg("GET").arg("PX").arg(prefix.kept_ms);
    match connection.send(set).await? {
        Value::Nil if sample.is_fresh() => {
            let claim = Claim { id, nonce: request.nonce, token: sample.token, attempt: 1 };
            Ok(Some(ClaimOutcome::Acquired(claim)))
        }
        Value::BulkString(found) if value::is_settled(&found) => {
            let existing = value::existing_record(&Bytes::from(found), Duration::MAX)?;
            Ok(Some(ClaimOutcome::Exists(existing)))
        }
        Value::Nil | Value::BulkString(_) => Ok(None),
        _ => Err(StoreError::unknown(UnexpectedReply("SET"))),
    }
}

/// Claims with `claim.lua`. The server's time that it returns becomes the clock sample of the connection. The claim of a
/// recovery is cached.
pub(crate) async fn by_script(
    shared: &Shared,
    connection: &Connection,
    id: RecordId,
    request: &ClaimRequest,
) -> Result<ClaimOutcome, StoreError> {
    let key = shared.keys.record(id);
    let prefix = Prefix::running(request.lease, request.hold);
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
    let args_len = 64 + record.len();
    let reply = shared.scripts.claim.run(connection, &key, args_len, add_args).await?;
    match reply::claim(reply, id, request.nonce)? {
        ClaimReply::Exists(existing) => Ok(ClaimOutcome::Exists(existing)),
        ClaimReply::Owned { claim, now, in_recovery } => {
            connection.clock.observe(now, requested_at);
            match in_recovery {
                None => Ok(ClaimOutcome::Acquired(claim)),
                Some(record) => recovery(shared, claim, &record, now),
            }
        }
    }
}

/// The reply to the owner of a record that is in recovery.
fn recovery(
    shared: &Shared,
    claim: Claim,
    record: &Record,
    now: Timestamp,
) -> Result<ClaimOutcome, StoreError> {
    let silence = record.extras.silence().ok_or(CodecError::Damaged)?;
    shared.claims.insert(claim.nonce, CachedClaim::of_recovery(record));
    Ok(ClaimOutcome::Recovering(claim, silence.lost_run(now)))
}
