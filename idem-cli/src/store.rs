//! The connection to the store.

use std::fs;
use std::path::Path;
use std::time::Duration;

use idem_core::store::IdempotencyStore;
use idem_core::{Idempotency, IdempotencyBuilder};
#[cfg(feature = "postgres")]
use idem_postgres::PostgresStore;
#[cfg(feature = "redis")]
use idem_redis::RedisStore;
#[cfg(feature = "sqlite")]
use idem_sqlite::SqliteStore;

use crate::args::Common;
use crate::failure::Failure;

#[cfg(not(any(feature = "postgres", feature = "redis", feature = "sqlite")))]
compile_error!("enable at least one of the features `postgres`, `redis` and `sqlite`");

/// A connected store.
#[derive(Clone)]
pub(crate) enum Store {
    #[cfg(feature = "postgres")]
    Postgres(PostgresStore),
    #[cfg(feature = "redis")]
    Redis(RedisStore),
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteStore),
}

impl Store {
    /// Connects. Nothing is changed in the schema, and a server with a health issue is accepted where the store allows it,
    /// because that is when an operator needs its records.
    pub(crate) async fn connect(common: &Common) -> Result<Self, Failure> {
        let url = url(common)?;
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        match scheme {
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                let builder = postgres_builder(common).verify_only().allow_unsafe_server();
                let builder = builder.sweep_every(None).without_notifications().max_connections(4);
                Ok(Self::Postgres(builder.connect(url).await.map_err(unavailable)?))
            }
            #[cfg(feature = "redis")]
            "redis" | "rediss" => Ok(Self::Redis(
                redis_builder(common).connect(url).await.map_err(unavailable)?,
            )),
            #[cfg(feature = "redis")]
            "redis-cluster" => {
                let store = redis_builder(common).connect_cluster(&nodes(rest)).await;
                Ok(Self::Redis(store.map_err(unavailable)?))
            }
            #[cfg(feature = "redis")]
            "redis-sentinel" => {
                let (hosts, service) = rest.rsplit_once('/').ok_or_else(|| {
                    Failure::Usage("write redis-sentinel://host1,host2/service".to_owned())
                })?;
                let store = redis_builder(common).connect_sentinel(&nodes(hosts), service).await;
                Ok(Self::Redis(store.map_err(unavailable)?))
            }
            #[cfg(feature = "sqlite")]
            "sqlite" => {
                // Opening a file that does not exist would create it.
                let path = rest.split('?').next().unwrap_or(rest);
                if !Path::new(path).exists() {
                    return Err(Failure::Usage(format!("there is no file {path}")));
                }
                let store = SqliteStore::builder().sweep_every(None).open(url).await;
                Ok(Self::Sqlite(store.map_err(unavailable)?))
            }
            "memory" => Err(Failure::Usage(
                "records in memory can only be reached from their own process; use `idempotency.records()` there"
                    .to_owned(),
            )),
            _ => Err(Failure::Usage(format!(
                "cannot use a store with `{scheme}`; write redis://, redis-cluster://, redis-sentinel://, postgres:// or sqlite:"
            ))),
        }
    }

    /// Returns the handle through which records are found and changed.
    pub(crate) fn idempotency(&self, common: &Common) -> Result<IdempotencyBuilder, Failure> {
        let builder = match self.clone() {
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => builder(store),
            #[cfg(feature = "redis")]
            Self::Redis(store) => builder(store),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => builder(store),
        };
        let builder = builder.namespace(&*common.namespace);
        Ok(match secret(common)? {
            Some(secret) => builder.secret(secret),
            None => builder,
        })
    }

    /// Whether records are searched by going through all keys.
    pub(crate) const fn searches_all_keys(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => false,
            #[cfg(feature = "redis")]
            Self::Redis(_) => true,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => false,
        }
    }

    /// Returns what is wrong with the server's settings and state.
    pub(crate) async fn check(&self) -> Result<Vec<String>, Failure> {
        Ok(match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => texts(&store.check().await?),
            #[cfg(feature = "redis")]
            Self::Redis(store) => texts(&store.check().await?),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => texts(&store.check().await?),
        })
    }

    /// Returns how far the deletion of expired records is behind, if the store needs one.
    pub(crate) async fn sweep_lag(&self) -> Result<Option<Duration>, Failure> {
        Ok(match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => Some(store.sweep_lag().await?),
            #[cfg(feature = "redis")]
            Self::Redis(_) => None,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => Some(store.sweep_lag().await?),
        })
    }
}

fn url(common: &Common) -> Result<&str, Failure> {
    let missing =
        || Failure::Usage("name the store with --store or the variable IDEM_STORE".to_owned());
    common.store.as_deref().ok_or_else(missing)
}

fn builder(store: impl IdempotencyStore) -> IdempotencyBuilder {
    Idempotency::builder(store).store_timeout(Duration::from_secs(30))
}

fn texts(issues: &[impl ToString]) -> Vec<String> {
    issues.iter().map(ToString::to_string).collect()
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::store("cannot use the store", error)
}

/// The secret never comes from an argument, which other users of the machine could read.
fn secret(common: &Common) -> Result<Option<Vec<u8>>, Failure> {
    let Some(path) = &common.secret_file else {
        return Ok(std::env::var("IDEM_SECRET").ok().map(String::into_bytes));
    };
    let read = fs::read(path);
    let mut secret =
        read.map_err(|error| Failure::Usage(format!("cannot read {}: {error}", path.display())))?;
    // Editors end the last line.
    let end = secret.trim_ascii_end().len();
    secret.truncate(end);
    Ok(Some(secret))
}

#[cfg(feature = "postgres")]
fn postgres_builder(common: &Common) -> idem_postgres::PostgresStoreBuilder {
    let mut builder = PostgresStore::builder();
    if let Some(schema) = &common.schema {
        builder = builder.schema(&**schema);
    }
    match &common.table {
        Some(table) => builder.table(&**table),
        None => builder,
    }
}

/// Brings the schema up to date, or prints the SQL that does so.
#[cfg(feature = "postgres")]
pub(crate) async fn migrate(common: &Common, print: bool) -> Result<(), Failure> {
    let builder = postgres_builder(common);
    if print {
        let sql = builder.migration_sql();
        print!("{}", sql.map_err(|error| Failure::Usage(error.to_string()))?);
        return Ok(());
    }
    let url = url(common)?;
    if !url.starts_with("postgres") {
        println!("nothing to do: only Postgres has a schema to migrate");
        return Ok(());
    }
    builder.sweep_every(None).connect(url).await.map_err(unavailable)?;
    println!("the schema is up to date");
    Ok(())
}

#[cfg(not(feature = "postgres"))]
pub(crate) async fn migrate(_: &Common, _: bool) -> Result<(), Failure> {
    Err(Failure::Usage(
        "only Postgres has a schema to migrate; enable the feature `postgres` of idem-cli"
            .to_owned(),
    ))
}

#[cfg(feature = "redis")]
fn redis_builder(common: &Common) -> idem_redis::RedisStoreBuilder {
    let namespace = common.redis_namespace.as_ref().unwrap_or(&common.namespace);
    RedisStore::builder().namespace(&**namespace).allow_eviction()
}

/// The URLs of nodes. User and password before the first host apply to all of them.
#[cfg(feature = "redis")]
fn nodes(hosts: &str) -> Vec<String> {
    let (user, hosts) = hosts.rsplit_once('@').map_or(("", hosts), |(user, hosts)| (user, hosts));
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    hosts.split(',').map(|host| format!("redis://{user}{host}")).collect()
}
