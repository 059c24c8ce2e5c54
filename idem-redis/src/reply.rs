//! Parses the replies of the scripts.

use bytes::Bytes;
use deadpool_redis::redis::Value;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ExistingRecord, FencingToken, RecordId, StoreError, Update,
};

use crate::error::UnexpectedReply;
use crate::value;

/// Parses the reply of `claim.lua`. If the claim was acquired, also returns the server's time in
/// microseconds.
pub(crate) fn claim(
    reply: Value,
    id: RecordId,
    nonce: ClaimNonce,
) -> Result<(ClaimOutcome, Option<u64>), StoreError> {
    if let Value::Array(parts) = &reply
        && let [Value::Int(token), Value::Int(attempt), Value::Int(now)] = parts[..]
    {
        let attempt = u32::try_from(attempt).map_err(StoreError::unknown)?;
        let claim = Claim { id, nonce, token: FencingToken(token.cast_unsigned()), attempt };
        return Ok((ClaimOutcome::Acquired(claim), Some(now.cast_unsigned())));
    }
    Ok((ClaimOutcome::Exists(existing_record(reply)?), None))
}

/// Parses the reply of `renew.lua`, `complete.lua` and `free.lua`.
pub(crate) fn update(reply: Value) -> Result<Update, StoreError> {
    match reply {
        Value::Int(1) => Ok(Update::Applied),
        Value::Int(0) => Ok(Update::Stale(None)),
        found => Ok(Update::Stale(Some(Box::new(existing_record(found)?)))),
    }
}

fn existing_record(reply: Value) -> Result<ExistingRecord, StoreError> {
    let unexpected = || StoreError::unknown(UnexpectedReply("a script"));
    let Value::Array(parts) = reply else { return Err(unexpected()) };
    let parts = <[Value; 2]>::try_from(parts).map_err(|_| unexpected())?;
    let [Value::Int(lapsed), Value::BulkString(value)] = parts else { return Err(unexpected()) };
    value::existing_record(&Bytes::from(value), lapsed == 1)
}
