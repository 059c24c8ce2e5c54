//! How a [`RedisStore`] is connected.

use std::error::Error;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::sentinel::{SentinelClient, SentinelServerType};
use deadpool_redis::redis::{AsyncConnectionConfig, Client};
use deadpool_redis::{Runtime, Timeouts, cluster, sentinel};
use idem_core::store::StoreError;

use crate::health::{self, HealthIssue};
use crate::keys::Keys;
use crate::link::Links;
use crate::memo::Memo;
use crate::push::{Feed, Push};
use crate::replicas::Replicas;
use crate::script::Scripts;
use crate::source::{Pool, Source};
use crate::store::{Inner, RedisStore};

/// Connects a [`RedisStore`]; see [`RedisStore::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct RedisStoreBuilder {
    namespace: Box<str>,
    timeouts: Timeouts,
    command_timeout: Duration,
    replicas: Option<Replicas>,
    allow_eviction: bool,
    subscribe_at: Option<Box<str>>,
}

/// Why a store could not be connected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// An address cannot be read, or what was asked for makes no sense together.
    #[error("the Redis configuration cannot be used")]
    Config(#[source] Box<dyn Error + Send + Sync>),
    /// The server did not answer.
    #[error("cannot look at the Redis server")]
    Unreachable(#[source] StoreError),
    /// The server would not keep what it acknowledges, or takes no writes.
    #[error("the Redis server is not fit to keep records")]
    Unfit(#[source] HealthIssue),
}

impl RedisStore {
    /// Connects to the server at `url`, such as `redis://127.0.0.1:6379/`, with the defaults that
    /// [`builder`](Self::builder) lists.
    ///
    /// # Errors
    /// If the server cannot be reached, or is not fit to keep records.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }

    /// Begins a store with a namespace or timeouts of its own, or on Sentinel, a Cluster or a pool.
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
        let second = Some(Duration::from_secs(1));
        RedisStoreBuilder {
            namespace: "default".into(),
            timeouts: Timeouts { wait: second, create: second, recycle: second },
            command_timeout: Duration::from_secs(1),
            replicas: None,
            allow_eviction: false,
            subscribe_at: None,
        }
    }
}

impl RedisStoreBuilder {
    /// Separates stores on one server: keys begin with `idem:`, this and a colon. Default `default`.
    pub fn namespace(mut self, namespace: impl Into<Box<str>>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// How long making a connection may take. Default 1 s. An existing pool keeps its own.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.create = Some(timeout);
        self
    }

    /// How long to wait for the pool to hand out a connection. Default 1 s. An existing pool keeps its own.
    pub const fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.wait = Some(timeout);
        self
    }

    /// How long to wait for the answer to a command. Default 1 s. After that its outcome counts as unknown
    /// and the connection is replaced.
    pub const fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// Counts a claim and a completion as done only when so many replicas have them, and otherwise, after
    /// `within`, as unknown: the request is refused, or the completion sent again. A failover to one of
    /// these replicas then forgets neither; see the [crate](crate) for what it can still forget.
    ///
    /// Costs a checkout from the pool and a `WAIT` for each. Not for a Cluster.
    pub const fn wait_for_replicas(mut self, replicas: NonZeroU32, within: Duration) -> Self {
        self.replicas = Some(Replicas { wanted: replicas.get(), within });
        self
    }

    /// Starts although the server may evict live records; every eviction may be a second effect. It is
    /// then warned of every minute.
    pub const fn allow_eviction(mut self) -> Self {
        self.allow_eviction = true;
        self
    }

    /// Where a store on an existing pool listens for the ends of runs, such as `redis://10.0.0.1/`.
    /// Without it, duplicates that wait poll; stores that connect by themselves know.
    pub fn subscribe_at(mut self, url: impl Into<Box<str>>) -> Self {
        self.subscribe_at = Some(url.into());
        self
    }

    /// Connects to one server.
    ///
    /// # Errors
    /// If the server cannot be reached, or is not fit to keep records.
    pub async fn connect(self, url: &str) -> Result<RedisStore, ConnectError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(self.timeouts.create)
            .set_response_timeout(Some(self.command_timeout));
        let manager = deadpool_redis::Manager::new_with_config(url, config).map_err(unusable)?;
        let pool = deadpool_redis::Pool::builder(manager)
            .timeouts(self.timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(unusable)?;
        let feed = self.any_of(&[url])?;
        self.open(Pool::One(pool), feed).await
    }

    /// Connects to the primary that the Sentinels at `urls` name as `service`, and to its successor after
    /// a failover.
    ///
    /// # Errors
    /// If no Sentinel or not the primary can be reached, or the primary is not fit to keep records.
    pub async fn connect_sentinel(
        self,
        urls: &[impl AsRef<str>],
        service: &str,
    ) -> Result<RedisStore, ConnectError> {
        let urls: Vec<&str> = urls.iter().map(AsRef::as_ref).collect();
        let manager = sentinel::Manager::new(
            urls.clone(),
            service.to_owned(),
            None,
            sentinel::SentinelServerType::Master,
        )
        .map_err(unusable)?;
        let pool = sentinel::Pool::builder(manager)
            .timeouts(self.timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(unusable)?;
        let sentinels =
            SentinelClient::build(urls, service.to_owned(), None, SentinelServerType::Master);
        let sentinels = Box::new(sentinels.map_err(unusable)?.into());
        let feed = Feed::Sentinel(sentinels, self.connect_within());
        self.open(Pool::Sentinel(pool), feed).await
    }

    /// Connects to the Cluster that the nodes at `urls` belong to.
    ///
    /// # Errors
    /// If no node can be reached, or a primary is not fit to keep records.
    pub async fn connect_cluster(
        self,
        urls: &[impl AsRef<str>],
    ) -> Result<RedisStore, ConnectError> {
        let urls: Vec<&str> = urls.iter().map(AsRef::as_ref).collect();
        let manager = cluster::Manager::new(urls.clone(), false).map_err(unusable)?;
        let pool = cluster::Pool::builder(manager)
            .timeouts(self.timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(unusable)?;
        let feed = self.any_of(&urls)?;
        self.open(Pool::Cluster(pool), feed).await
    }

    /// Takes its connections from an existing pool for one server: one for good for each runtime.
    ///
    /// # Errors
    /// If the server cannot be reached, or is not fit to keep records.
    pub async fn on_pool(self, pool: deadpool_redis::Pool) -> Result<RedisStore, ConnectError> {
        let feed = self.subscription()?;
        self.open(Pool::One(pool), feed).await
    }

    /// [`on_pool`](Self::on_pool) with a pool for Sentinel, for what
    /// [`connect_sentinel`](Self::connect_sentinel) cannot spell, such as passwords.
    ///
    /// # Errors
    /// As [`connect_sentinel`](Self::connect_sentinel).
    pub async fn on_sentinel_pool(self, pool: sentinel::Pool) -> Result<RedisStore, ConnectError> {
        let feed = self.subscription()?;
        self.open(Pool::Sentinel(pool), feed).await
    }

    /// [`on_pool`](Self::on_pool) with a pool for a Cluster. It must not read from replicas.
    ///
    /// # Errors
    /// As [`connect_cluster`](Self::connect_cluster).
    pub async fn on_cluster_pool(self, pool: cluster::Pool) -> Result<RedisStore, ConnectError> {
        let feed = self.subscription()?;
        self.open(Pool::Cluster(pool), feed).await
    }

    fn subscription(&self) -> Result<Feed, ConnectError> {
        match self.subscribe_at.as_deref() {
            Some(url) => self.any_of(&[url]),
            None => Ok(Feed::Nowhere),
        }
    }

    fn any_of(&self, urls: &[&str]) -> Result<Feed, ConnectError> {
        let clients = urls.iter().map(|url| Client::open(*url)).collect::<Result<_, _>>();
        Ok(Feed::AnyOf(clients.map_err(unusable)?, self.connect_within()))
    }

    fn connect_within(&self) -> Duration {
        self.timeouts.create.unwrap_or(Duration::from_secs(1))
    }

    async fn open(self, pool: Pool, feed: Feed) -> Result<RedisStore, ConnectError> {
        if self.replicas.is_some() && matches!(pool, Pool::Cluster(_)) {
            return Err(unusable("waiting for replicas is not possible in a Cluster"));
        }
        let source = Source { pool, command_timeout: self.command_timeout };
        let keys = Keys::new(&self.namespace);
        let inner = Arc::new(Inner {
            links: Arc::new(Links::new(source)),
            push: Push::new(feed, keys.channel()),
            keys,
            scripts: Scripts::new(),
            replicas: self.replicas,
            seen: health::Seen::default(),
            memo: Memo::default(),
        });
        let alarms = inner.look().await.map_err(ConnectError::Unreachable)?;
        let bearable =
            |alarm: &HealthIssue| self.allow_eviction && matches!(alarm, HealthIssue::Evicts(_));
        if let Some(alarm) = alarms.iter().find(|alarm| alarm.is_fatal() && !bearable(alarm)) {
            return Err(ConnectError::Unfit(alarm.clone()));
        }
        health::report_at_start(&alarms);
        tokio::spawn(health::watch(Arc::downgrade(&inner)));
        Ok(RedisStore(inner))
    }
}

fn unusable(error: impl Into<Box<dyn Error + Send + Sync>>) -> ConnectError {
    ConnectError::Config(error.into())
}
