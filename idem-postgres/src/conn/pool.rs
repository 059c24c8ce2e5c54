//! A pool of the store's own connections.
//!
//! The pool of sqlx pings each connection that is returned to it, which costs every statement another round
//! trip. This pool pings only connections that were idle for a second. It hands out the connection that was
//! used last, and never reuses one that failed or that has an unread reply.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use deadpool::managed::{
    self, Metrics, Object, PoolConfig, PoolError, QueueMode, RecycleError, RecycleResult,
};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::time::timeout;

/// Settings of a pool.
#[derive(Clone)]
pub(crate) struct PoolSettings {
    pub(crate) options: Box<PgConnectOptions>,
    pub(crate) max_connections: u32,
    /// The maximum time that a caller waits for a connection.
    pub(crate) wait_timeout: Duration,
}

/// Connections idle longer than this are pinged before use.
const MAX_IDLE_WITHOUT_PING: Duration = Duration::from_secs(1);
/// Connections idle longer than this are closed.
const MAX_IDLE: Duration = Duration::from_secs(10 * 60);
/// Connections older than this are replaced, as in the pool of sqlx.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// A bounded pool. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Pool(managed::Pool<Connector>);

/// A connection that is checked out of a [`Pool`]. It is reused only after [`put_back`](Self::put_back).
pub(crate) struct PooledConnection(Object<Connector>);

impl PooledConnection {
    /// The connection, for one statement. Its reply counts as unread until the connection is put back.
    pub(crate) fn start(&mut self) -> &mut PgConnection {
        self.0.reply_pending = true;
        &mut self.0.connection
    }

    /// Returns the connection to the pool after the reply was read.
    pub(crate) fn put_back(mut self) {
        self.0.reply_pending = false;
    }

    /// Closes the connection.
    pub(crate) fn discard(self) {
        drop(Object::take(self.0));
    }
}

impl Pool {
    pub(crate) fn new(settings: PoolSettings) -> Self {
        let PoolSettings { options, max_connections, wait_timeout: timeout } = settings;
        let max_size = max_connections.max(1) as usize;
        let config = PoolConfig { queue_mode: QueueMode::Lifo, ..PoolConfig::new(max_size) };
        let pool =
            managed::Pool::builder(Connector { options: *options, timeout }).config(config).build();
        #[expect(clippy::expect_used, reason = "see the message")]
        Self(pool.expect("only a pool that has timeouts needs a runtime"))
    }

    /// Checks out an idle connection, or opens one.
    pub(crate) async fn get(&self) -> sqlx::Result<PooledConnection> {
        match timeout(self.0.manager().timeout, self.0.get()).await {
            Ok(Ok(connection)) => Ok(PooledConnection(connection)),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(_)) => Err(sqlx::Error::PoolClosed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// Closes connections that have been idle for too long.
    pub(crate) fn close_idle(&self) {
        drop(self.0.retain(|_, metrics| metrics.last_used() < MAX_IDLE));
    }
}

/// A connection in the pool.
pub(crate) struct Entry {
    connection: PgConnection,
    /// Whether a statement was sent and its reply has not been read.
    reply_pending: bool,
}

/// Opens connections and decides whether they can be reused.
pub(crate) struct Connector {
    options: PgConnectOptions,
    timeout: Duration,
}

impl managed::Manager for Connector {
    type Type = Entry;
    type Error = sqlx::Error;

    /// Retries while the server is starting or has no free connection slots. The caller's timeout ends
    /// the attempts.
    async fn create(&self) -> sqlx::Result<Entry> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(10))
            .with_max_delay(self.timeout / 5)
            .without_max_times();
        let connection = (|| self.options.connect()).retry(backoff).when(is_transient).await?;
        Ok(Entry { connection, reply_pending: false })
    }

    async fn recycle(&self, entry: &mut Entry, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if entry.reply_pending || metrics.age() > MAX_AGE {
            return Err(RecycleError::message("the connection must not be reused"));
        }
        if metrics.last_used() > MAX_IDLE_WITHOUT_PING {
            entry.connection.ping().await?;
        }
        Ok(())
    }
}

fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}
