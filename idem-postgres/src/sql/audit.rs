//! An entry of the audit log, from a row of `audit.sql`.

use idem_core::codec::CodecError;
use idem_core::store::{
    AuditAction, AuditEntry, AuditOutcome, AuditRecord, FencingToken, StoreError,
};
use sqlx::postgres::PgRow;

use super::found::{record_id, timestamp};
use super::row::get;

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
    Ok(AuditRecord { at: timestamp(row, "at")?, entry, outcome })
}
