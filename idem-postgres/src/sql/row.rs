//! The columns of a row.

use std::time::Duration;

use bytes::Bytes;
use idem_core::codec::{self, CodecError};
use idem_core::store::{
    ExistingRecord, Fingerprint, LostRun, State, StoreError, UnknownReason,
};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::error::UnexpectedReply;

/// The record in a row, as a caller that does not own it sees it.
pub(crate) fn existing(row: &PgRow) -> Result<ExistingRecord, StoreError> {
    // The claim of another open transaction has a state and no other columns.
    if get::<Option<i16>>(row, "format")?.is_none() {
        return Ok(ExistingRecord::new(None, State::Running, false, Duration::MAX));
    }
    let tail = Bytes::from(get::<Vec<u8>>(row, "answer")?);
    let lease_left = duration(get(row, "lease_left")?);
    let state = match State::from_parts(version(row)?, byte(row, "state")?, &tail)? {
        State::Running if lease_left.is_zero() => State::Unknown(UnknownReason::Crashed),
        state => state,
    };
    let (_, recoverable) = codec::guarantee(byte(row, "guarantee")?)?;
    let rule = byte(row, "rule")?;
    let fingerprint = match rule {
        0 => None,
        rule => {
            let digest = get::<Vec<u8>>(row, "fingerprint")?;
            let digest = digest.try_into().map_err(|_| CodecError::Damaged)?;
            Some(Fingerprint::from_parts(rule, digest))
        }
    };
    Ok(ExistingRecord::new(fingerprint, state, recoverable, lease_left))
}

/// The lost run whose outcome the claim in a row must determine. `None` if the claim is that of a run.
pub(super) fn lost_run(row: &PgRow) -> Result<Option<LostRun>, StoreError> {
    let Some(code) = get::<Option<i16>>(row, "lost_reason")? else { return Ok(None) };
    let attempt = get::<i32>(row, "lost_attempt")?.cast_unsigned();
    Ok(Some(LostRun::new(reason(code)?, attempt, duration(get(row, "silent_for")?))))
}

/// The version of the format of a record. It is checked.
pub(super) fn version(row: &PgRow) -> Result<u8, StoreError> {
    let version = u8::try_from(get::<i16>(row, "format")?).unwrap_or(u8::MAX);
    codec::check_version(version)?;
    Ok(version)
}

pub(super) fn reason(code: i16) -> Result<UnknownReason, StoreError> {
    let reason = u8::try_from(code).ok().and_then(UnknownReason::from_code);
    reason.ok_or_else(|| CodecError::Damaged.into())
}

pub(super) fn byte(row: &PgRow, column: &'static str) -> Result<u8, StoreError> {
    u8::try_from(get::<i16>(row, column)?).map_err(|_| CodecError::Damaged.into())
}

/// A number of microseconds. Negative ones count as zero.
fn duration(microseconds: i64) -> Duration {
    Duration::from_micros(u64::try_from(microseconds).unwrap_or(0))
}

/// The value of a column.
pub(crate) fn get<'r, T>(row: &'r PgRow, column: &'static str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let value = row.try_get(column);
    value.map_err(|source| StoreError::unknown(UnexpectedReply::Column { column, source }))
}
