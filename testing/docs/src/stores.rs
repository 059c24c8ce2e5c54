//! The guide's chapter on choosing a store.

use std::error::Error;
use std::sync::Arc;

use idem_axum::sqlite::OpenError;
use idem_axum::sqlite::sqlx::SqlitePool;
use idem_axum::{IdempotencyStore, MemoryStore, PostgresStore, RedisStore, SqliteStore};

async fn store(url: Option<&str>) -> Result<Arc<dyn IdempotencyStore>, Box<dyn Error>> {
    Ok(match url {
        None => Arc::new(MemoryStore::new()),
        Some(url) if url.starts_with("sqlite:") => Arc::new(SqliteStore::open(url).await?),
        Some(url) if url.starts_with("redis") => Arc::new(RedisStore::connect(url).await?),
        Some(url) if url.starts_with("postgres") => Arc::new(PostgresStore::connect(url).await?),
        Some(url) => return Err(format!("no store for {url}").into()),
    })
}

async fn beside_own_tables(pool: SqlitePool) -> Result<SqliteStore, OpenError> {
    SqliteStore::builder().on_pool(pool).await
}
