//! What the scripts answer.

use bytes::Bytes;
use deadpool_redis::redis::Value;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ExistingRecord, FencingToken, RecordId, StoreError, Update,
};

use crate::error::UnexpectedReply;
use crate::value;

/// The answer to `claim.lua`, and the server's time in microseconds if it was told.
pub(crate) fn claimed(
    answer: Value,
    id: RecordId,
    nonce: ClaimNonce,
) -> Result<(ClaimOutcome, Option<u64>), StoreError> {
    if let Value::Array(parts) = &answer
        && let [Value::Int(token), Value::Int(attempt), Value::Int(now)] = parts[..]
    {
        let attempt = u32::try_from(attempt).map_err(StoreError::unknown)?;
        let claim = Claim { id, nonce, token: FencingToken(token.cast_unsigned()), attempt };
        return Ok((ClaimOutcome::Acquired(claim), Some(now.cast_unsigned())));
    }
    Ok((ClaimOutcome::Exists(standing(answer)?), None))
}

/// The answer to the scripts that present a claim.
pub(crate) fn fenced(answer: Value) -> Result<Update, StoreError> {
    match answer {
        Value::Int(1) => Ok(Update::Applied),
        Value::Int(_) => Ok(Update::Stale(None)),
        standing_there => Ok(Update::Stale(Some(Box::new(standing(standing_there)?)))),
    }
}

fn standing(answer: Value) -> Result<ExistingRecord, StoreError> {
    let strange = || StoreError::unknown(UnexpectedReply);
    let Value::Array(parts) = answer else { return Err(strange()) };
    let parts = <[Value; 2]>::try_from(parts).map_err(|_| strange())?;
    let [Value::Int(lapsed), Value::BulkString(found)] = parts else { return Err(strange()) };
    value::observe(&Bytes::from(found), lapsed == 1)
}
