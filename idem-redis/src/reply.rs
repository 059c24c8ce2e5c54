//! Parses the replies of the scripts.

use std::time::Duration;

use bytes::Bytes;
use deadpool_redis::redis::Value;
use idem_core::store::{
    Claim, ClaimNonce, ExistingRecord, FencingToken, Record, RecordId, StoreError, Timestamp,
    Update,
};

use crate::error::UnexpectedReply;
use crate::value;

/// The reply of `claim.lua`.
pub(crate) enum ClaimReply {
    Owned {
        claim: Claim,
        /// The server's clock.
        now: Timestamp,
        /// The record, if it is in recovery.
        in_recovery: Option<Record>,
    },
    Exists(ExistingRecord),
}

/// Parses the reply of `claim.lua`.
pub(crate) fn claim(
    reply: Value,
    id: RecordId,
    nonce: ClaimNonce,
) -> Result<ClaimReply, StoreError> {
    let Value::Array(parts) = &reply else { return Err(unexpected()) };
    let [Value::Int(token), Value::Int(attempt), Value::Int(now), rest @ ..] = &parts[..] else {
        return Ok(ClaimReply::Exists(existing_record(reply)?));
    };
    let in_recovery = match rest {
        [] => None,
        [Value::BulkString(value)] => Some(value::record(&Bytes::copy_from_slice(value))?),
        _ => return Err(unexpected()),
    };
    let attempt = u32::try_from(*attempt).map_err(StoreError::unknown)?;
    let claim = Claim { id, nonce, token: FencingToken(token.cast_unsigned()), attempt };
    Ok(ClaimReply::Owned { claim, now: Timestamp(now.cast_unsigned()), in_recovery })
}

/// Parses the reply of the scripts that change a record.
pub(crate) fn update(reply: Value) -> Result<Update, StoreError> {
    match reply {
        Value::Int(1) => Ok(Update::Applied),
        Value::Int(0) => Ok(Update::Stale(None)),
        found => Ok(Update::Stale(Some(Box::new(existing_record(found)?)))),
    }
}

fn existing_record(reply: Value) -> Result<ExistingRecord, StoreError> {
    let Value::Array(parts) = reply else { return Err(unexpected()) };
    let parts = <[Value; 2]>::try_from(parts).map_err(|_| unexpected())?;
    let [Value::Int(left_ms), Value::BulkString(value)] = parts else { return Err(unexpected()) };
    let left = Duration::from_millis(left_ms.cast_unsigned());
    value::existing_record(&Bytes::from(value), left)
}

fn unexpected() -> StoreError {
    StoreError::unknown(UnexpectedReply("a script"))
}
