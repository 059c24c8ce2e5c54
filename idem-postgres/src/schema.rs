//! The tables and functions of the store, and their migrations.

use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use idem_core::store::StoreError;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::shared::Shared;
use crate::sql::{Names, row};

/// The migrations from an empty schema to the current version. Migrations only add, so that processes of the
/// previous version keep working during a deploy. A released migration must never change.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/0001_records.sql"),
    include_str!("migrations/0002_scopes.sql"),
    concat!(
        include_str!("migrations/0003_recovery.sql"),
        include_str!("migrations/0003_claim.sql"),
        include_str!("migrations/0003_claim_batch.sql"),
        include_str!("migrations/0003_complete.sql"),
        include_str!("migrations/0003_complete_batch.sql"),
        include_str!("migrations/0003_audit.sql"),
        include_str!("migrations/0003_resolve.sql"),
    ),
];

/// The schema version that this version of the store works with.
pub(crate) const VERSION: i32 = MIGRATIONS.len() as i32;

/// Number of times, and the pause between them, that a migration is tried again while a table is locked.
const MAX_LOCK_TRIES: usize = 20;
const LOCK_PAUSE: Duration = Duration::from_secs(1);

const VERSIONS_TABLE: &str = include_str!("migrations/versions.sql");
const LOCK: &str = include_str!("migrations/lock.sql");

/// The error of a migration. Its source is the error of the database.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot migrate the schema of the table {table}; if the role lacks CREATE on the schema, apply `migration_sql()` with another role"
)]
pub struct SchemaError {
    table: String,
    source: sqlx::Error,
}

/// All migrations as text, for the application's own migration tool, which must apply them in one
/// transaction.
pub(crate) fn migration_sql(names: &Names) -> String {
    let migrations = MIGRATIONS
        .iter()
        .zip(1..)
        .map(|(migration, version)| format!("{migration}\n{}", insert_version(version)));
    let sql: String = [VERSIONS_TABLE.to_owned()].into_iter().chain(migrations).collect();
    names.fill_in(&sql)
}

/// Applies the missing migrations. Concurrent processes wait for each other. Tries again if a table stays locked
/// by an open transaction.
pub(crate) async fn migrate(pool: &PgPool, names: &Names) -> Result<(), SchemaError> {
    let pauses = ConstantBuilder::default().with_delay(LOCK_PAUSE).with_max_times(MAX_LOCK_TRIES);
    let migrated = (|| apply_missing(pool, names)).retry(pauses).when(is_locked).await;
    migrated.map_err(|source| SchemaError { table: names.records(), source })
}

fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("55P03"))
}

async fn apply_missing(pool: &PgPool, names: &Names) -> sqlx::Result<()> {
    let mut connection = pool.acquire().await?;
    // Even this read needs a transaction: a pooler may send its statements to different server processes.
    let mut read = connection.begin().await?;
    let applied = applied_version(&mut read, names).await?;
    read.commit().await?;
    if applied >= VERSION {
        return Ok(());
    }
    // The counts of existing records must include those that were committed before the table was locked.
    let mut transaction = connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    execute(&mut transaction, names, LOCK).await?;
    execute(&mut transaction, names, VERSIONS_TABLE).await?;
    let applied = applied_version(&mut transaction, names).await?;
    let missing = MIGRATIONS.iter().zip(1..).filter(|(_, version)| *version > applied);
    for (migration, version) in missing {
        execute(&mut transaction, names, migration).await?;
        execute(&mut transaction, names, &insert_version(version)).await?;
    }
    transaction.commit().await
}

async fn execute(connection: &mut PgConnection, names: &Names, sql: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(names.fill_in(sql))).execute(connection).await.map(drop)
}

fn insert_version(version: i32) -> String {
    format!("INSERT INTO {{versions}} (version) VALUES ({version});\n")
}

/// The version of the last applied migration; 0 if none was applied.
async fn applied_version(connection: &mut PgConnection, names: &Names) -> sqlx::Result<i32> {
    let exists = names.fill_in(include_str!("queries/schema_exists.sql"));
    let exists: bool = sqlx::query_scalar(AssertSqlSafe(exists))
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(0);
    }
    let version = names.fill_in(include_str!("queries/schema_version.sql"));
    let version = sqlx::query_scalar(AssertSqlSafe(version)).persistent(false);
    Ok(version.fetch_optional(connection).await?.unwrap_or(0))
}

/// The schema version in the database of a store; 0 if the schema does not exist.
pub(crate) async fn version(shared: &Shared) -> Result<i32, StoreError> {
    let exists = shared.connections.fetch(shared.statements.schema_exists.query()).await?;
    if !exists.is_some_and(|row| row::get(&row, "exist").unwrap_or(false)) {
        return Ok(0);
    }
    let version = shared.connections.fetch(shared.statements.schema_version.query()).await?;
    version.map_or(Ok(0), |row| row::get(&row, "version"))
}
