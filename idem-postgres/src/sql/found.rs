//! A record as administrators see it, from a row of `found.sql`.

use bytes::Bytes;
use idem_core::codec::{self, CodecError};
use idem_core::store::{
    Extras, FencingToken, FoundRecord, FoundState, RecordId, Silence, State, StoreError, Timestamp,
};
use sqlx::postgres::PgRow;

use super::row::{self, byte, get};

/// The id of the record in a row.
pub(crate) fn id(row: &PgRow) -> Result<RecordId, StoreError> {
    record_id(get(row, "id")?)
}

/// Restores the id of a record from stored bytes.
pub(crate) fn record_id(bytes: Vec<u8>) -> Result<RecordId, StoreError> {
    let bytes = bytes.try_into().map_err(|_| CodecError::Damaged)?;
    Ok(RecordId::from_bytes(bytes))
}

/// The record in a row.
pub(crate) fn record(row: &PgRow) -> Result<FoundRecord, StoreError> {
    let version = row::version(row)?;
    let (lease_until, now) = (timestamp(row, "lease_until")?, timestamp(row, "now")?);
    let (guarantee, recoverable) = codec::guarantee(byte(row, "guarantee")?)?;
    Ok(FoundRecord {
        id: id(row)?,
        token: FencingToken(get::<i64>(row, "fence")?.cast_unsigned()),
        attempt: get::<i32>(row, "attempt")?.cast_unsigned(),
        guarantee,
        recoverable,
        extras: extras(row, version)?,
        state: state(row, version, lease_until <= now)?,
        lease_until,
        expires_at: timestamp(row, "expires_at")?,
        now,
    })
}

/// The state, from the first bytes of its tail. A response is neither read nor checked.
fn state(row: &PgRow, version: u8, lapsed: bool) -> Result<FoundState, StoreError> {
    const COMPLETED: u8 = 2;
    let head = Bytes::from(get::<Vec<u8>>(row, "head")?);
    match byte(row, "state")? {
        COMPLETED => {
            let status = head[..].try_into().map_err(|_| CodecError::Damaged)?;
            Ok(FoundState::Completed { status: u16::from_be_bytes(status) })
        }
        code => Ok(FoundState::of(&State::from_parts(version, code, &head)?, lapsed)),
    }
}

/// The optional fields. Format 1 has none.
fn extras(row: &PgRow, version: u8) -> Result<Extras, StoreError> {
    if version == 1 {
        return Ok(Extras::default());
    }
    let operation = get::<Option<&str>>(row, "operation")?;
    let label = text(row, "label")?;
    let mut extras = match (operation, &label) {
        (None, None) => Extras::default(),
        (operation, label) => Extras::new(operation.as_slice(), label.as_deref()),
    };
    if let Some(dispute) = text(row, "dispute")? {
        extras = extras.with_dispute(&dispute);
    }
    let others = Extras::from_bytes(get::<Vec<u8>>(row, "extras")?.into());
    extras = extras.with_fields(&others.ok_or(CodecError::Damaged)?);
    Ok(extras.with_silence(silence(row)?))
}

fn text(row: &PgRow, column: &'static str) -> Result<Option<String>, StoreError> {
    let bytes = get::<Option<&[u8]>>(row, column)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

fn silence(row: &PgRow) -> Result<Option<Silence>, StoreError> {
    let Some(since) = get::<Option<i64>>(row, "silent_since")? else { return Ok(None) };
    Ok(Some(Silence {
        since: Timestamp(since.cast_unsigned()),
        reason: row::reason(get(row, "lost_reason")?)?,
        attempt: get::<i32>(row, "lost_attempt")?.cast_unsigned(),
    }))
}

/// A column with microseconds since 1970.
pub(super) fn timestamp(row: &PgRow, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp(u64::try_from(get::<i64>(row, column)?).unwrap_or(0)))
}
