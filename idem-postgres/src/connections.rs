//! Connections of the store's own, kept open between statements.
//!
//! Not a pool of the client: that one asks a connection for a sign of life whenever it comes back, which is
//! a round trip more for every statement. Here one that was in use a moment ago is taken to live, the one
//! used last goes first, and one that failed, or that owes an answer, never comes back.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use deadpool::managed::{
    self, Metrics, Object, PoolConfig, PoolError, QueueMode, RecycleError, RecycleResult,
};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::time::timeout;

/// A connection that was not used for this long is asked for a sign of life first.
const FRESH: Duration = Duration::from_secs(1);
/// One that was not used for this long is closed.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// One that was opened so long ago is replaced, as the client's pool does.
const OLD: Duration = Duration::from_secs(30 * 60);

/// Connections of one kind, up to a bound. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: managed::Pool<Connector>,
}

/// A connection out of [`Connections`]. Used again only if it is given back.
pub(crate) struct Kept(Object<Connector>);

impl Kept {
    /// The connection, to send a statement on. From now on it owes an answer.
    pub(crate) fn begin(&mut self) -> &mut PgConnection {
        self.0.owes = true;
        &mut self.0.connection
    }

    /// Its statement was answered.
    pub(crate) fn give_back(mut self) {
        self.0.owes = false;
    }

    pub(crate) fn throw_away(self) {
        drop(Object::take(self.0));
    }
}

impl Connections {
    /// Up to `max` of them; whoever wants one waits for as long as `within`.
    pub(crate) fn new(options: PgConnectOptions, max: u32, within: Duration) -> Self {
        let config =
            PoolConfig { queue_mode: QueueMode::Lifo, ..PoolConfig::new(max.max(1) as usize) };
        let pool = managed::Pool::builder(Connector { options, within }).config(config).build();
        #[expect(clippy::expect_used, reason = "see the message")]
        Self { pool: pool.expect("only a pool with timeouts of its own needs a runtime") }
    }

    /// One that is free, or a new one.
    pub(crate) async fn get(&self) -> sqlx::Result<Kept> {
        match timeout(self.pool.manager().within, self.pool.get()).await {
            Ok(Ok(connection)) => Ok(Kept(connection)),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(_)) => Err(sqlx::Error::PoolClosed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// Others to the same server, for the few statements of a runtime that has none.
    pub(crate) fn few(&self) -> Self {
        let Connector { options, within } = self.pool.manager();
        Self::new(options.clone(), 2, *within)
    }

    /// Closes those that are not needed any more.
    pub(crate) fn close_idle(&self) {
        drop(self.pool.retain(|_, metrics| metrics.last_used() < IDLE));
    }
}

/// An open connection, and whether an answer is under way on it.
pub(crate) struct Line {
    connection: PgConnection,
    owes: bool,
}

/// How connections are opened, and when they are used again.
pub(crate) struct Connector {
    options: PgConnectOptions,
    within: Duration,
}

impl managed::Manager for Connector {
    type Type = Line;
    type Error = sqlx::Error;

    /// A server that just starts, or is full for a moment, is asked again until the caller's time is over.
    async fn create(&self) -> sqlx::Result<Line> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(10))
            .with_max_delay(self.within / 5)
            .without_max_times();
        let connection = (|| self.options.connect()).retry(pauses).when(may_pass).await?;
        Ok(Line { connection, owes: false })
    }

    async fn recycle(&self, line: &mut Line, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if line.owes || metrics.age() > OLD {
            return Err(RecycleError::message("not to be used again"));
        }
        if metrics.last_used() > FRESH {
            line.connection.ping().await?;
        }
        Ok(())
    }
}

fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(said) => said.is_transient_in_connect_phase(),
        _ => false,
    }
}
