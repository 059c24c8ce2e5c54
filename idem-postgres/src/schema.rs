//! The tables and functions of the store, and how they come into a database.

use idem_core::store::StoreError;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::names::Names;
use crate::row;
use crate::store::Inner;

/// Every step from an empty schema to the current one. Steps only add, so that processes of the version
/// before go on while a new one is deployed; one that was released is never changed.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_records.sql")];

/// What this version of the store works with.
pub(crate) const CURRENT: i32 = MIGRATIONS.len() as i32;

const VERSIONS: &str = include_str!("migrations/versions.sql");
const LOCK: &str = include_str!("migrations/lock.sql");

/// Why a schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
#[error(
    "the schema of the records cannot be brought up to date; the role needs CREATE on the schema, or apply `migration_sql()` by hand"
)]
pub struct SchemaError(#[from] sqlx::Error);

/// All steps as text, in one transaction, for a migration tool of the application's own.
pub(crate) fn text(names: &Names) -> String {
    let steps =
        MIGRATIONS.iter().zip(1..).map(|(step, version)| format!("{step}\n{}", mark(version)));
    let sql: String = [VERSIONS.to_owned()].into_iter().chain(steps).collect();
    names.write_into(&sql)
}

/// Applies what is missing, one process at a time.
pub(crate) async fn migrate(pool: &PgPool, names: &Names) -> Result<(), SchemaError> {
    let mut connection = pool.acquire().await?;
    // In a transaction, although it only looks: a pooler keeps nothing else on one server process.
    let mut look = connection.begin().await?;
    let found = applied(&mut look, names).await?;
    look.commit().await?;
    if found >= CURRENT {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    run(&mut transaction, names, LOCK).await?;
    run(&mut transaction, names, VERSIONS).await?;
    let applied = applied(&mut transaction, names).await?;
    for (step, version) in MIGRATIONS.iter().zip(1..).filter(|(_, version)| *version > applied) {
        run(&mut transaction, names, step).await?;
        run(&mut transaction, names, &mark(version)).await?;
    }
    Ok(transaction.commit().await?)
}

async fn run(connection: &mut PgConnection, names: &Names, sql: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(names.write_into(sql))).execute(connection).await.map(drop)
}

fn mark(version: i32) -> String {
    format!("INSERT INTO {{versions}} (version) VALUES ({version});\n")
}

/// The highest step that was applied; 0 if none was.
async fn applied(connection: &mut PgConnection, names: &Names) -> sqlx::Result<i32> {
    let exists = names.write_into(include_str!("queries/versions_exist.sql"));
    let exists: bool = sqlx::query_scalar(AssertSqlSafe(exists))
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(0);
    }
    let version = names.write_into(include_str!("queries/version.sql"));
    let version = sqlx::query_scalar(AssertSqlSafe(version)).persistent(false);
    Ok(version.fetch_optional(connection).await?.unwrap_or(0))
}

/// The version that a store finds.
pub(crate) async fn version(inner: &Inner) -> Result<i32, StoreError> {
    let exists = inner.sessions.fetch(inner.statements.versions_exist.call()).await?;
    if !exists.is_some_and(|row| row::get(&row, "exist").unwrap_or(false)) {
        return Ok(0);
    }
    let version = inner.sessions.fetch(inner.statements.version.call()).await?;
    version.map_or(Ok(0), |row| row::get(&row, "version"))
}
