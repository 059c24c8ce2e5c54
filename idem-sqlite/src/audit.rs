//! The entries of the audit log as rows. Each contains the digest of the entry before it.

use idem_core::codec::CodecError;
use idem_core::store::{
    AuditAction, AuditEntry, AuditOutcome, AuditRecord, FencingToken, StoreError, Timestamp,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Error, SqliteConnection, query};

use crate::row::{get, record_id, stored, timestamp};

/// The entry in a row.
pub(crate) fn record(row: &SqliteRow) -> Result<AuditRecord, StoreError> {
    let mut entry = AuditEntry::new(
        record_id(row, "record")?,
        AuditAction::from_name(get(row, "action")?).ok_or(CodecError::Damaged)?,
        get(row, "actor")?,
        get(row, "reason")?,
        FencingToken(get::<i64>(row, "token")?.cast_unsigned()),
        get(row, "state")?,
    );
    let digest = get::<Option<Vec<u8>>>(row, "response_digest")?;
    let digest = digest.map(|digest| digest.try_into().map_err(|_| CodecError::Damaged));
    entry.response_digest = digest.transpose()?;
    let outcome = match get(row, "applied")? {
        true => AuditOutcome::Done,
        false => AuditOutcome::Rejected,
    };
    let at = timestamp(row, "at").map_err(StoreError::not_done)?;
    let previous = get::<Vec<u8>>(row, "previous")?.try_into().map_err(|_| CodecError::Damaged)?;
    Ok(AuditRecord { at, entry, outcome, previous: Some(previous) })
}

/// Writes an entry. The transaction excludes other writers, so the chain does not fork.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    entry: &AuditEntry,
    applied: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let last = query(include_str!("sql/audit_last.sql")).fetch_optional(&mut *connection).await?;
    // After an entry of a later version, which cannot be read, the chain begins again.
    let last = last.and_then(|row| record(&row).ok());
    let previous = last.map_or(AuditRecord::NO_PREVIOUS, |last| last.digest());
    query(include_str!("sql/audit_insert.sql"))
        .bind(stored(now))
        .bind(entry.record.as_bytes().to_vec())
        .bind(entry.action.name())
        .bind(String::from(&*entry.actor))
        .bind(String::from(&*entry.reason))
        .bind(entry.token.0.cast_signed())
        .bind(String::from(&*entry.state))
        .bind(entry.response_digest.map(Vec::from))
        .bind(applied)
        .bind(Vec::from(previous))
        .execute(connection)
        .await
        .map(drop)
}

/// Deletes the entries before the first one that was written at `before` or later, and returns their number.
pub(crate) async fn prune(
    connection: &mut SqliteConnection,
    before: Timestamp,
) -> Result<u64, Error> {
    let statement = query(include_str!("sql/audit_prune.sql")).bind(stored(before));
    Ok(statement.execute(connection).await?.rows_affected())
}
