//! The entries of the audit log: as arguments of statements, and from the rows of `audit.sql`.

use idem_core::codec::CodecError;
use idem_core::store::{
    AuditAction, AuditEntry, AuditOutcome, AuditRecord, FencingToken, StoreError,
};
use sqlx::postgres::PgRow;

use super::found::{record_id, timestamp};
use super::row::get;
use super::values::Query;

/// Binds the fields of an entry.
pub(crate) fn bind<'a>(query: Query<'a>, entry: &'a AuditEntry) -> Query<'a> {
    query
        .bind(entry.record.as_bytes().as_slice())
        .bind(entry.action.name())
        .bind(&*entry.actor)
        .bind(&*entry.reason)
        .bind(entry.token.0.cast_signed())
        .bind(&*entry.state)
        .bind(entry.response_digest.as_ref().map(<[u8; 32]>::as_slice))
}

/// The number of the entry in a row.
pub(crate) fn number(row: &PgRow) -> Result<i64, StoreError> {
    get(row, "entry")
}

/// The entry in a row.
pub(crate) fn record(row: &PgRow) -> Result<AuditRecord, StoreError> {
    let mut entry = AuditEntry::new(
        record_id(get(row, "record")?)?,
        AuditAction::from_name(get(row, "action")?).ok_or(CodecError::Damaged)?,
        get(row, "actor")?,
        get(row, "reason")?,
        FencingToken(get::<i64>(row, "fence")?.cast_unsigned()),
        get(row, "state")?,
    );
    let digest = get::<Option<Vec<u8>>>(row, "response_digest")?;
    let digest = digest.map(|digest| digest.try_into().map_err(|_| CodecError::Damaged));
    entry.response_digest = digest.transpose()?;
    let outcome = match get(row, "applied")? {
        true => AuditOutcome::Done,
        false => AuditOutcome::Rejected,
    };
    let previous = get::<Vec<u8>>(row, "previous")?.try_into().map_err(|_| CodecError::Damaged)?;
    Ok(AuditRecord { at: timestamp(row, "at")?, entry, outcome, previous: Some(previous) })
}
