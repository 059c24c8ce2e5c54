//! The store that `--store` selects.

use std::sync::Arc;

use anyhow::bail;
use idem_axum::{IdempotencyStore, MemoryStore, SqliteStore};

pub(crate) async fn open(url: Option<String>) -> anyhow::Result<Arc<dyn IdempotencyStore>> {
    Ok(match url.as_deref() {
        None => Arc::new(MemoryStore::new()),
        Some(url) if url.starts_with("sqlite:") => Arc::new(SqliteStore::open(url).await?),
        #[cfg(feature = "redis")]
        Some(url) if url.starts_with("redis") => {
            Arc::new(idem_axum::RedisStore::connect(url).await?)
        }
        #[cfg(feature = "postgres")]
        Some(url) if url.starts_with("postgres") => {
            Arc::new(idem_axum::PostgresStore::connect(url).await?)
        }
        Some(_) => bail!(
            "unsupported store URL; see `--help`, and build with `--features redis` or `postgres`"
        ),
    })
}
