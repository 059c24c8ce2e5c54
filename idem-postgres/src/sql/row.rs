//! The columns of a row.

use std::time::Duration;

use bytes::Bytes;
use idem_core::codec::{self, CodecError};
use idem_core::store::{ExistingRecord, Fingerprint, State, StoreError, UnknownReason};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::error::UnexpectedReply;

/// The record in a row, as a caller that does not own it sees it.
pub(crate) fn existing(row: &PgRow) -> Result<ExistingRecord, StoreError> {
    // The claim of another open transaction has a state and no other columns.
    let Some(format) = get::<Option<i16>>(row, "format")? else {
        return Ok(ExistingRecord::new(None, State::Running, false, Duration::MAX));
    };
    if format != i16::from(codec::VERSION) {
        return Err(CodecError::Version(u8::try_from(format).unwrap_or(u8::MAX)).into());
    }
    let tail = Bytes::from(get::<Vec<u8>>(row, "answer")?);
    let state = match State::from_parts(codec::VERSION, byte(row, "state")?, &tail)? {
        State::Running if get(row, "lapsed")? => State::Unknown(UnknownReason::Crashed),
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
    Ok(ExistingRecord::new(fingerprint, state, false, Duration::ZERO))
}

fn byte(row: &PgRow, column: &'static str) -> Result<u8, StoreError> {
    u8::try_from(get::<i16>(row, column)?).map_err(|_| CodecError::Damaged.into())
}

/// The value of a column.
pub(crate) fn get<'r, T>(row: &'r PgRow, column: &'static str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let value = row.try_get(column);
    value.map_err(|source| StoreError::unknown(UnexpectedReply::Column { column, source }))
}
