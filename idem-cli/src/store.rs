//! The connection to the store.

use std::fs;
use std::sync::Arc;
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

/// The limit of each call, and of waiting for a connection. An operator needs the records also of an overloaded store.
const TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(not(any(feature = "postgres", feature = "redis", feature = "sqlite")))]
compile_error!("enable at least one of the features `postgres`, `redis` and `sqlite`");

/// A connected store.
pub(crate) struct Store {
    store: Arc<dyn IdempotencyStore>,
    /// Whether records are searched by going through all keys.
    pub(crate) searches_all_keys: bool,
}

impl Store {
    /// Connects. Nothing is changed in the schema, and a server with a health issue is accepted where the store allows it,
    /// because that is when an operator needs its records.
    pub(crate) async fn connect(common: &Common) -> Result<Self, Failure> {
        let url = url(common)?;
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        #[cfg_attr(
            not(any(feature = "redis", feature = "sqlite")),
            expect(unused_variables, reason = "Postgres gets the whole URL")
        )]
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        match scheme {
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                let builder = postgres_builder(common).verify_only().allow_unsafe_server();
                let builder = builder.sweep_every(None).without_notifications().max_connections(4);
                Ok(Self::new(builder.connect(url).await.map_err(unavailable)?))
            }
            #[cfg(feature = "redis")]
            "redis" | "rediss" => Ok(Self::on_redis(redis_builder(common).connect(url).await.map_err(unavailable)?)),
            #[cfg(feature = "redis")]
            "redis-cluster" => {
                let store = redis_builder(common).connect_cluster(&nodes(rest)).await;
                Ok(Self::on_redis(store.map_err(unavailable)?))
            }
            #[cfg(feature = "redis")]
            "redis-sentinel" => {
                let (hosts, service) = rest.rsplit_once('/').ok_or_else(|| {
                    Failure::Usage("write redis-sentinel://host1,host2/service".to_owned())
                })?;
                let store = redis_builder(common).connect_sentinel(&nodes(hosts), service).await;
                Ok(Self::on_redis(store.map_err(unavailable)?))
            }
            #[cfg(feature = "sqlite")]
            "sqlite" => {
                // A mistyped path is a mistake of the call, and not a store that cannot be used.
                let path = rest.split('?').next().unwrap_or(rest);
                if !std::path::Path::new(path).exists() {
                    return Err(Failure::Usage(format!("there is no file {path}")));
                }
                let store = SqliteStore::builder().only_existing().sweep_every(None).wait_timeout(TIMEOUT);
                let store = store.open(url).await;
                Ok(Self::new(store.map_err(unavailable)?))
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

    #[cfg(feature = "redis")]
    fn on_redis(store: RedisStore) -> Self {
        Self { searches_all_keys: true, ..Self::new(store) }
    }

    fn new(store: impl IdempotencyStore) -> Self {
        Self { store: Arc::new(store), searches_all_keys: false }
    }

    /// Begins the handle through which records are found and changed.
    pub(crate) fn idempotency(&self, common: &Common) -> Result<IdempotencyBuilder, Failure> {
        let builder = Idempotency::builder(Arc::clone(&self.store)).namespace(&*common.namespace);
        let builder = builder.store_timeout(TIMEOUT);
        Ok(match secret(common)? {
            Some(secret) => builder.secret(secret),
            None => builder,
        })
    }

    /// Returns what is wrong with the server's settings and state.
    pub(crate) async fn check(&self) -> Result<Vec<String>, Failure> {
        Ok(self.store.check().await?.iter().map(ToString::to_string).collect())
    }

    /// Returns how far the deletion of expired records is behind, if the store needs one.
    pub(crate) async fn sweep_lag(&self) -> Result<Option<Duration>, Failure> {
        match self.store.records() {
            Some(records) => Ok(records.stats().await?.sweep_lag),
            None => Ok(None),
        }
    }
}

fn url(common: &Common) -> Result<&str, Failure> {
    let missing =
        || Failure::Usage("name the store with --store or the variable IDEM_STORE".to_owned());
    common.store.as_deref().ok_or_else(missing)
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
    let mut builder = PostgresStore::builder().wait_timeout(TIMEOUT).statement_timeout(TIMEOUT);
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
    let builder = RedisStore::builder().namespace(&**namespace).scan_rate(common.rate);
    let builder = builder.connect_timeout(TIMEOUT).wait_timeout(TIMEOUT).command_timeout(TIMEOUT);
    builder.allow_eviction()
}

/// The URLs of nodes. User and password before the first host apply to all of them.
#[cfg(feature = "redis")]
fn nodes(hosts: &str) -> Vec<String> {
    let (user, hosts) = hosts.rsplit_once('@').map_or(("", hosts), |(user, hosts)| (user, hosts));
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    hosts.split(',').map(|host| format!("redis://{user}{host}")).collect()
}
