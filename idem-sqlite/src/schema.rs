//! The tables of the store.

use sqlx::{Connection, Error, SqliteConnection};

use crate::clock::Clock;
use crate::row::stored;
use idem_core::store::Timestamp;

/// The version of the schema that this version of the store works with.
pub(crate) const VERSION: i64 = 1;

/// Checks that the file can be written. SQLite also begins a transaction on a file that is read-only.
pub(crate) async fn verify_writable(connection: &mut SqliteConnection) -> Result<(), Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("UPDATE idem_store SET now = now").execute(&mut *transaction).await?;
    transaction.rollback().await
}

/// Creates the tables if the file has none, and returns the version of the schema. Concurrent processes wait for each
/// other.
pub(crate) async fn create_if_missing(connection: &mut SqliteConnection) -> Result<i64, Error> {
    if let Some(version) = version(connection).await? {
        return Ok(version);
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    if let Some(version) = version(&mut transaction).await? {
        return Ok(version);
    }
    sqlx::raw_sql(include_str!("sql/schema.sql")).execute(&mut *transaction).await?;
    let now = stored(Clock::new().now(Timestamp(0)));
    let row = "INSERT INTO idem_store (id, version, now, writer) VALUES (1, ?, ?, x'')";
    sqlx::query(row).bind(VERSION).bind(now).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(VERSION)
}

/// The version of the schema in the file. `None` if the file has no tables of this store.
pub(crate) async fn version(connection: &mut SqliteConnection) -> Result<Option<i64>, Error> {
    let exists =
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'idem_store')";
    if !sqlx::query_scalar(exists).fetch_one(&mut *connection).await? {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT version FROM idem_store").fetch_optional(connection).await
}
