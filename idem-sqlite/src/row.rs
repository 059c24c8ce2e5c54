//! Records as rows, and rows as records.

use bytes::{Bytes, BytesMut};
use idem_core::codec::{CodecError, HEAD_LEN};
use idem_core::state_machine::Slot;
use idem_core::store::{Record, RecordId, ScopeId, State, StoreError, Timestamp};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Error, Row, SqliteConnection, Type};

use crate::clock::Clock;

/// The length of the length of the extras, and of the status of a response.
const EXTRAS_HEAD_LEN: usize = 2;
const STATUS_LEN: usize = 2;

/// A record that was read, with its scope if that has a quota.
pub(crate) struct Loaded {
    pub(crate) slot: Result<Option<Slot>, CodecError>,
    pub(crate) scope: Option<ScopeId>,
}

/// Records that were read at one moment.
pub(crate) struct Snapshot {
    /// One record for each id, in the order of the ids.
    pub(crate) records: Vec<Loaded>,
    /// A moment at which the records were as they were read.
    pub(crate) now: Timestamp,
    /// The process that made the last change.
    pub(crate) writer: Vec<u8>,
}

/// Reads the records of `ids`, of which there is at least one.
pub(crate) async fn load(
    connection: &mut SqliteConnection,
    clock: &Clock,
    ids: impl ExactSizeIterator<Item = RecordId>,
) -> Result<Snapshot, Error> {
    let count = ids.len();
    let mut bytes = Vec::with_capacity(32 * count);
    ids.for_each(|id| bytes.extend_from_slice(id.as_bytes()));
    // A lease must not be judged by a time after the read, because it can be renewed in between.
    let before = clock.now(Timestamp(0));
    let query = sqlx::query(include_str!("sql/load.sql")).bind(bytes).bind(count as i64);
    let rows = query.fetch_all(connection).await?;
    let first = rows.first().ok_or(Error::RowNotFound)?;
    let stored = timestamp(first, "now")?;
    clock.now(stored);
    Ok(Snapshot {
        now: before.max(stored),
        writer: first.try_get("writer")?,
        records: rows.iter().map(loaded).collect::<Result<_, _>>()?,
    })
}

fn loaded(row: &SqliteRow) -> Result<Loaded, Error> {
    let Some(head) = row.try_get::<Option<Vec<u8>>, _>("head")? else {
        return Ok(Loaded { slot: Ok(None), scope: None });
    };
    let tail: Option<Vec<u8>> = row.try_get("tail")?;
    let (lease_until, expires_at) = (timestamp(row, "lease_until")?, timestamp(row, "expires_at")?);
    let scope: Option<Vec<u8>> = row.try_get("scope")?;
    let record = decode(&head.into(), tail.map(Bytes::from));
    Ok(Loaded {
        slot: record.map(|record| Some(Slot { record, lease_until, expires_at })),
        scope: scope.and_then(|scope| scope.try_into().ok()).map(ScopeId::from_bytes),
    })
}

fn decode(head: &Bytes, tail: Option<Bytes>) -> Result<Record, CodecError> {
    let mut record = Record::from_head(head)?;
    if matches!(record.state, State::Completed(_)) {
        let tail = tail.ok_or(CodecError::Damaged)?;
        record.state = State::from_parts(head[0], record.state.code(), &tail)?;
    }
    Ok(record)
}

/// A record as it is stored: the head, and the response of a completed one.
pub(crate) struct Encoded {
    pub(crate) head: Bytes,
    pub(crate) response: Option<Bytes>,
}

pub(crate) fn encode(record: &Record) -> Encoded {
    let mut bytes = BytesMut::with_capacity(record.encoded_len());
    record.put(&mut bytes);
    let bytes = bytes.freeze();
    match record.state {
        State::Completed(_) => {
            let tail = HEAD_LEN + EXTRAS_HEAD_LEN + record.extras.as_bytes().len();
            Encoded { head: bytes.slice(..tail + STATUS_LEN), response: Some(bytes.slice(tail..)) }
        }
        _ => Encoded { head: bytes, response: None },
    }
}

pub(crate) fn timestamp(row: &SqliteRow, column: &str) -> Result<Timestamp, Error> {
    Ok(Timestamp(row.try_get::<i64, _>(column)?.cast_unsigned()))
}

/// A moment as a column keeps it. Later moments than the column can hold are 292,000 years away.
pub(crate) fn stored(timestamp: Timestamp) -> i64 {
    i64::try_from(timestamp.0).unwrap_or(i64::MAX)
}

/// The record id in a column.
pub(crate) fn record_id(row: &SqliteRow, column: &str) -> Result<RecordId, StoreError> {
    let bytes = get::<Vec<u8>>(row, column)?.try_into().map_err(|_| CodecError::Damaged)?;
    Ok(RecordId::from_bytes(bytes))
}

/// The value of a column.
pub(crate) fn get<'r, T>(row: &'r SqliteRow, column: &str) -> Result<T, StoreError>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(column).map_err(StoreError::not_done)
}
