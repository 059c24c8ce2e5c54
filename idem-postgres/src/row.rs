//! What the statements answer.

use bytes::Bytes;
use idem_core::codec::{self, CodecError};
use idem_core::store::{
    Capacity, Claim, ClaimNonce, ClaimOutcome, ExistingRecord, FencingToken, Fingerprint, RecordId,
    State, StoreError,
};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::error::UnexpectedReply;

/// The answer to `claim.sql`.
pub(crate) fn claimed(
    row: &PgRow,
    id: RecordId,
    nonce: ClaimNonce,
) -> Result<ClaimOutcome, StoreError> {
    if get::<Option<bool>>(row, "scope_full")? == Some(true) {
        return Ok(ClaimOutcome::AtCapacity(Capacity::Scope));
    }
    if !get::<bool>(row, "acquired")? {
        return Ok(ClaimOutcome::Exists(existing(row)?));
    }
    let token = FencingToken(get::<i64>(row, "fence")?.cast_unsigned());
    let attempt = get::<i32>(row, "attempt")?.cast_unsigned();
    Ok(ClaimOutcome::Acquired(Claim { id, nonce, token, attempt }))
}

/// What a row says to a caller who does not hold it.
pub(crate) fn existing(row: &PgRow) -> Result<ExistingRecord, StoreError> {
    // An open claim of another transaction shows its state alone.
    let Some(format) = get::<Option<i16>>(row, "format")? else {
        return Ok(ExistingRecord { fingerprint: None, state: State::Running });
    };
    if format != i16::from(codec::VERSION) {
        return Err(CodecError::Version(u8::try_from(format).unwrap_or(u8::MAX)).into());
    }
    let tail = Bytes::from(get::<Vec<u8>>(row, "answer")?);
    let state = match State::from_parts(byte(row, "state")?, &tail)? {
        State::Running if get(row, "lapsed")? => State::Unknown,
        state => state,
    };
    let rule = byte(row, "rule")?;
    let fingerprint = match rule {
        0 => None,
        rule => {
            let digest = get::<Vec<u8>>(row, "fingerprint")?;
            let digest = digest.try_into().map_err(|_| CodecError::Damaged)?;
            Some(Fingerprint::from_parts(rule, digest))
        }
    };
    Ok(ExistingRecord { fingerprint, state })
}

fn byte(row: &PgRow, column: &str) -> Result<u8, StoreError> {
    u8::try_from(get::<i16>(row, column)?).map_err(|_| CodecError::Damaged.into())
}

/// The value of a column that the statement names.
pub(crate) fn get<'r, T>(row: &'r PgRow, column: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(|_| StoreError::unknown(UnexpectedReply))
}
