//! The statements that write.

use idem_core::state_machine::Slot;
use idem_core::store::{RecordId, ScopeId, Timestamp};
use sqlx::{Error, SqliteConnection, query, query_scalar};

use crate::row::{encode, stored};

/// The maximum number of records that one transaction sweeps, so that it holds the lock of the file briefly.
pub(crate) const MAX_SWEEP_LEN: i64 = 1_000;

/// The maximum number of free pages that a sweep returns to the file system.
const VACUUM: &str = "PRAGMA incremental_vacuum(1000)";

pub(super) async fn put(
    connection: &mut SqliteConnection,
    id: RecordId,
    slot: &Slot,
    scope: Option<ScopeId>,
) -> Result<(), Error> {
    let encoded = encode(&slot.record);
    let statement = match &encoded.response {
        None => query(include_str!("../sql/put.sql")),
        Some(response) => query(include_str!("../sql/put_completed.sql")).bind(response.to_vec()),
    };
    statement
        .bind(id.as_bytes().to_vec())
        .bind(encoded.head.to_vec())
        .bind(stored(slot.lease_until))
        .bind(stored(slot.expires_at))
        .bind(scope.map(|scope| scope.as_bytes().to_vec()))
        .execute(connection)
        .await
        .map(drop)
}

pub(super) async fn remove(connection: &mut SqliteConnection, id: RecordId) -> Result<(), Error> {
    let statement = query("DELETE FROM idem_records WHERE id = ?").bind(id.as_bytes().to_vec());
    statement.execute(connection).await.map(drop)
}

/// The number of records of a scope, including expired ones.
pub(super) async fn count_keys(
    connection: &mut SqliteConnection,
    scope: ScopeId,
) -> Result<i64, Error> {
    let statement = query_scalar("SELECT keys FROM idem_scopes WHERE scope = ?");
    let keys = statement.bind(scope.as_bytes().to_vec()).fetch_optional(connection).await?;
    Ok(keys.unwrap_or(0))
}

/// Deletes expired records of a scope, and returns their number.
pub(super) async fn sweep_scope(
    connection: &mut SqliteConnection,
    scope: ScopeId,
    now: Timestamp,
) -> Result<u64, Error> {
    let statement = query(include_str!("../sql/sweep_scope.sql"));
    let statement = statement.bind(scope.as_bytes().to_vec()).bind(stored(now)).bind(MAX_SWEEP_LEN);
    Ok(statement.execute(connection).await?.rows_affected())
}

/// Deletes expired records, returns pages to the file system, and returns the number of the records.
pub(super) async fn sweep(connection: &mut SqliteConnection, now: Timestamp) -> Result<u64, Error> {
    let statement = query(include_str!("../sql/sweep.sql")).bind(stored(now)).bind(MAX_SWEEP_LEN);
    let swept = statement.execute(&mut *connection).await?.rows_affected();
    if swept > 0 {
        query(VACUUM).execute(connection).await?;
    }
    Ok(swept)
}

pub(super) async fn set_clock(
    connection: &mut SqliteConnection,
    now: Timestamp,
    writer: &[u8; 16],
) -> Result<(), Error> {
    let statement = query("UPDATE idem_store SET now = ?, writer = ?");
    statement.bind(stored(now)).bind(writer.to_vec()).execute(connection).await.map(drop)
}
