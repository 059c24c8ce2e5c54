//! Settings of a [`RedisStore`], and the ways to connect it.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::sentinel::{SentinelClient, SentinelServerType};
use deadpool_redis::redis::{AsyncConnectionConfig, Client};
use deadpool_redis::{Runtime, Timeouts, cluster, sentinel};
use tokio::sync::Semaphore;

use crate::claim_cache::ClaimCache;
use crate::conn::{ConnectionSource, Connections, Pool, ReplicaWait};
use crate::connect_error::ConnectError;
use crate::health::{self, HealthIssue, HealthMonitor};
use crate::keys::Keys;
use crate::notify::{Endpoint, Notifier, Servers};
use crate::scan_pace::{DEFAULT_RATE, ScanPace};
use crate::scripts::Scripts;
use crate::shared::Shared;
use crate::store::{Inner, RedisStore};
use crate::tls;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

/// Connects a [`RedisStore`]; see [`RedisStore::builder`].
///
/// The methods that connect [check the server](idem_core::rules::guarantees#store-checks) first. They are
/// cancel safe, and must be called within a Tokio runtime.
#[derive(Clone)]
#[must_use]
pub struct RedisStoreBuilder {
    namespace: Box<str>,
    timeouts: Timeouts,
    command_timeout: Duration,
    replica_wait: Option<ReplicaWait>,
    allow_eviction: bool,
    subscribe_at: Option<Box<str>>,
    scan_rate: u32,
}

/// Does not show the URL of `subscribe_at`, which can contain a password.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("namespace", &self.namespace)
            .field("timeouts", &self.timeouts)
            .field("command_timeout", &self.command_timeout)
            .field("replica_wait", &self.replica_wait)
            .field("allow_eviction", &self.allow_eviction)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects to the server at `url`, such as `redis://127.0.0.1:6379/`, with the defaults of
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// If the URL is invalid, the server cannot be reached or it is not configured safely.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }

    /// Starts a builder, for a namespace, timeouts, Sentinel, a Cluster or an existing pool.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), idem_redis::ConnectError> {
    /// use std::time::Duration;
    /// use idem_redis::RedisStore;
    ///
    /// let store = RedisStore::builder()
    ///     .namespace("payments")
    ///     .command_timeout(Duration::from_millis(500))
    ///     .connect_sentinel(&["redis://10.0.0.1:26379", "redis://10.0.0.2:26379"], "mymaster")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> RedisStoreBuilder {
        let limit = Some(DEFAULT_TIMEOUT);
        RedisStoreBuilder {
            namespace: "default".into(),
            timeouts: Timeouts { wait: limit, create: limit, recycle: limit },
            command_timeout: DEFAULT_TIMEOUT,
            replica_wait: None,
            allow_eviction: false,
            subscribe_at: None,
            scan_rate: DEFAULT_RATE,
        }
    }
}

impl RedisStoreBuilder {
    /// Separates stores on one server: all keys begin with `idem:<namespace>:`. Default `default`.
    pub fn namespace(mut self, namespace: impl Into<Box<str>>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Time limit for opening a connection. Default 1 s. An existing pool has its own limit. The client opens each connection
    /// to a Sentinel or a node of a Cluster within 1 s, also if this limit is higher.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.create = Some(timeout);
        self
    }

    /// Time limit for getting a connection from the pool. Default 1 s. An existing pool has its own limit.
    pub const fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.wait = Some(timeout);
        self
    }

    /// Time limit for the reply to a command. Default 1 s. When it is exceeded, the result of the command is
    /// unknown, and the connection is replaced.
    pub const fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// Number of keys that all listings of the store together examine per second, so that they do not take the server from
    /// requests. Default 20,000.
    pub const fn scan_rate(mut self, keys_per_second: NonZeroU32) -> Self {
        self.scan_rate = keys_per_second.get();
        self
    }

    /// Counts a claim or a completion as done only after `replicas` replicas have acknowledged it. If that
    /// takes longer than `within`, its result is unknown: the request is refused, or the completion is
    /// repeated. A failover to one of these replicas loses neither. The [crate documentation](crate) lists
    /// what a failover can still lose. Default: off.
    ///
    /// Each claim and completion takes a connection from the pool and sends `WAIT`. Each claim also uses the
    /// script. Not available for a Cluster.
    pub const fn wait_for_replicas(mut self, replicas: NonZeroU32, within: Duration) -> Self {
        self.replica_wait = Some(ReplicaWait { replicas: replicas.get(), timeout: within });
        self
    }

    /// Starts even if the server can evict live records. Each evicted record can lead to a second effect.
    /// The store then logs a warning at start, and an error every minute.
    pub const fn allow_eviction(mut self) -> Self {
        self.allow_eviction = true;
        self
    }

    /// The URL at which a store on an existing pool subscribes to the ends of runs, such as
    /// `redis://10.0.0.1/`. Without it, the waiting duplicates of such a store poll. Other stores ignore it,
    /// because they subscribe at the server that they connect to.
    pub fn subscribe_at(mut self, url: impl Into<Box<str>>) -> Self {
        self.subscribe_at = Some(url.into());
        self
    }

    /// Connects to one server.
    ///
    /// # Errors
    /// If the URL is invalid, the server cannot be reached or it is not configured safely.
    pub async fn connect(self, url: &str) -> Result<RedisStore, ConnectError> {
        let endpoint = self.endpoint(&[url])?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(self.timeouts.create)
            .set_response_timeout(Some(self.command_timeout));
        let manager = deadpool_redis::Manager::new_with_config(url, config);
        let pool = deadpool_redis::Pool::builder(manager.map_err(ConnectError::config)?)
            .timeouts(self.timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(ConnectError::config)?;
        self.open(Pool::Single(pool), Arc::clone(&endpoint.server), Some(endpoint)).await
    }

    /// Connects to the primary that the Sentinels at `urls` name as `service`. After a failover, the store
    /// connects to the new primary.
    ///
    /// # Errors
    /// If a URL is invalid, no Sentinel or the primary cannot be reached, or the primary is not configured
    /// safely.
    pub async fn connect_sentinel(
        self,
        urls: &[impl AsRef<str>],
        service: &str,
    ) -> Result<RedisStore, ConnectError> {
        let urls: Vec<&str> = urls.iter().map(AsRef::as_ref).collect();
        let addresses = addresses(&clients(&urls)?);
        let server =
            format!("the Redis primary `{service}` of the Sentinels at {addresses}").into();
        let manager = sentinel::Manager::new(
            urls.clone(),
            service.to_owned(),
            None,
            sentinel::SentinelServerType::Master,
        )
        .map_err(ConnectError::config)?;
        let pool = sentinel::Pool::builder(manager)
            .timeouts(self.timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(ConnectError::config)?;
        // A variable, because the type of the parameter depends on the client's feature for TLS.
        let service = service.to_owned();
        let sentinels = SentinelClient::build(urls, service, None, SentinelServerType::Master);
        let sentinels = Box::new(sentinels.map_err(ConnectError::config)?.into());
        let endpoint = Endpoint {
            servers: Servers::Sentinel(sentinels),
            server: Arc::clone(&server),
            timeout: self.subscribe_timeout(),
        };
        self.open(Pool::Sentinel(pool), server, Some(endpoint)).await
    }

    /// Connects to the Cluster of the nodes at `urls`.
    ///
    /// # Errors
    /// If a URL is invalid, no node can be reached or a primary is not configured safely.
    pub async fn connect_cluster(
        self,
        urls: &[impl AsRef<str>],
    ) -> Result<RedisStore, ConnectError> {
        let urls: Vec<&str> = urls.iter().map(AsRef::as_ref).collect();
        let endpoint = self.endpoint(&urls)?;
        let manager = cluster::Manager::new(urls, false).map_err(ConnectError::config)?;
        let pool = cluster::Pool::builder(manager)
            .timeouts(self.timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(ConnectError::config)?;
        self.open(Pool::Cluster(pool), Arc::clone(&endpoint.server), Some(endpoint)).await
    }

    /// Uses an existing pool for one server. The store takes one connection out of it permanently for each
    /// runtime.
    ///
    /// # Errors
    /// If the server cannot be reached or it is not configured safely.
    pub async fn on_pool(self, pool: deadpool_redis::Pool) -> Result<RedisStore, ConnectError> {
        self.open_on(Pool::Single(pool)).await
    }

    /// Uses an existing pool for Sentinel, like [`on_pool`](Self::on_pool). Use it for settings that
    /// [`connect_sentinel`](Self::connect_sentinel) lacks, such as passwords.
    ///
    /// # Errors
    /// See [`connect_sentinel`](Self::connect_sentinel).
    pub async fn on_sentinel_pool(self, pool: sentinel::Pool) -> Result<RedisStore, ConnectError> {
        self.open_on(Pool::Sentinel(pool)).await
    }

    /// Uses an existing pool for a Cluster, like [`on_pool`](Self::on_pool). The pool must not read from
    /// replicas.
    ///
    /// # Errors
    /// See [`connect_cluster`](Self::connect_cluster).
    pub async fn on_cluster_pool(self, pool: cluster::Pool) -> Result<RedisStore, ConnectError> {
        self.open_on(Pool::Cluster(pool)).await
    }

    async fn open_on(self, pool: Pool) -> Result<RedisStore, ConnectError> {
        let endpoint = self.subscribe_at.as_deref().map(|url| self.endpoint(&[url])).transpose()?;
        let server = endpoint.as_ref().map(|endpoint| Arc::clone(&endpoint.server));
        let server = server.unwrap_or_else(|| "the Redis server of the given pool".into());
        self.open(pool, server, endpoint).await
    }

    /// Subscribes at the first of these servers that can be reached.
    fn endpoint(&self, urls: &[&str]) -> Result<Endpoint, ConnectError> {
        let clients = clients(urls)?;
        let server = format!("Redis at {}", addresses(&clients)).into();
        let timeout = self.subscribe_timeout();
        Ok(Endpoint { servers: Servers::AnyOf(clients), server, timeout })
    }

    fn subscribe_timeout(&self) -> Duration {
        self.timeouts.create.unwrap_or(DEFAULT_TIMEOUT)
    }

    async fn open(
        self,
        pool: Pool,
        server: Arc<str>,
        endpoint: Option<Endpoint>,
    ) -> Result<RedisStore, ConnectError> {
        if self.replica_wait.is_some() && matches!(pool, Pool::Cluster(_)) {
            return Err(ConnectError::config(
                "waiting for replicas is not available for a Cluster",
            ));
        }
        let keys = Keys::new(&self.namespace);
        let notifier = Notifier::new(endpoint, keys.channel());
        let source = ConnectionSource {
            pool,
            command_timeout: self.command_timeout,
            server: server.clone(),
        };
        let connections = Arc::new(Connections::new(source));
        let shared = Arc::new(Shared {
            connections,
            keys,
            scripts: Scripts::new(),
            claims: ClaimCache::default(),
            scans: ScanPace::new(self.scan_rate),
            recounts: Arc::new(Semaphore::new(1)),
        });
        let health = Arc::new(HealthMonitor::new(Arc::clone(&shared)));
        let is_allowed = |issue: &HealthIssue| {
            self.allow_eviction && matches!(issue, HealthIssue::EvictionPolicy(_))
        };
        let issues = match health.check().await {
            Ok(issues) => issues,
            Err(source) => {
                let (server, source) = ((*server).into(), source.into());
                return Err(ConnectError::Unreachable { server, source });
            }
        };
        if let Some(issue) = issues.iter().find(|issue| issue.is_fatal() && !is_allowed(issue)) {
            let (server, issue) = ((*server).into(), issue.clone());
            return Err(ConnectError::Unhealthy { server, issue });
        }
        health::log_at_start(&server, &issues);
        tokio::spawn(health::watch(Arc::downgrade(&health)));
        let replica_wait = self.replica_wait;
        Ok(RedisStore::new(Inner { shared, replica_wait, notifier, health }))
    }
}

fn clients(urls: &[&str]) -> Result<Vec<Client>, ConnectError> {
    tls::prepare(urls)?;
    let clients = urls.iter().map(|url| Client::open(*url)).collect::<Result<_, _>>();
    clients.map_err(ConnectError::config)
}

/// The addresses of the clients, without passwords.
fn addresses(clients: &[Client]) -> String {
    let addresses: Vec<String> =
        clients.iter().map(|client| client.get_connection_info().addr().to_string()).collect();
    addresses.join(", ")
}

#[cfg(test)]
mod tests {
    use super::RedisStore;

    #[test]
    fn debug_shows_no_password() {
        let builder = RedisStore::builder().subscribe_at("redis://:secret@127.0.0.1/");
        let shown = format!("{builder:?}");
        assert!(shown.contains("namespace") && !shown.contains("secret"), "{shown}");
    }
}
