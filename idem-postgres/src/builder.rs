//! How a [`PostgresStore`] is connected.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use idem_core::store::PerRuntime;
use idem_core::store::StoreError;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::connections::Connections;
use crate::health::{self, HealthIssue};
use crate::names::Names;
use crate::push::Push;
use crate::schema::{self, SchemaError};
use crate::session::{Sessions, Source};
use crate::statements::Statements;
use crate::store::{Inner, PostgresStore};
use crate::sweep;
use crate::turns::Turns;

/// Connects a [`PostgresStore`]; see [`PostgresStore::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct PostgresStoreBuilder {
    schema: Box<str>,
    table: Box<str>,
    max_connections: u32,
    wait_timeout: Duration,
    statement_timeout: Duration,
    sweep_every: Option<Duration>,
    pgbouncer: bool,
    push: bool,
    verify_only: bool,
    start_unfit: bool,
}

/// Why a store could not be connected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL or a name cannot be read.
    #[error("the Postgres configuration cannot be used")]
    Config(#[source] Box<dyn Error + Send + Sync>),
    /// The server did not answer.
    #[error("cannot look at the Postgres server")]
    Unreachable(#[source] StoreError),
    /// A pooler stands between, and takes no sessions.
    #[error("a pooler refuses the connection; build the store with `pgbouncer()`")]
    Pooler(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("cannot migrate the schema")]
    Schema(#[source] SchemaError),
    /// The server would not keep what it acknowledges, takes no writes, or has another schema.
    #[error("the Postgres server is not fit to keep records")]
    Unfit(#[source] HealthIssue),
}

impl PostgresStore {
    /// Connects to the database at `url`, such as `postgres://user@127.0.0.1/shop`, with the defaults that
    /// [`builder`](Self::builder) lists, and brings the schema up to date.
    ///
    /// # Errors
    /// If the server cannot be reached, or is not fit to keep records.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }

    /// Begins a store with names or timeouts of its own, or on an existing pool.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), idem_postgres::ConnectError> {
    /// use std::time::Duration;
    /// use idem_postgres::PostgresStore;
    ///
    /// let store = PostgresStore::builder()
    ///     .schema("payments")
    ///     .statement_timeout(Duration::from_secs(2))
    ///     .connect("postgres://app@db.internal/shop")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> PostgresStoreBuilder {
        PostgresStoreBuilder {
            schema: "public".into(),
            table: "idem_records".into(),
            max_connections: 16,
            wait_timeout: Duration::from_secs(1),
            statement_timeout: Duration::from_secs(5),
            sweep_every: Some(Duration::from_secs(60)),
            pgbouncer: false,
            push: true,
            verify_only: false,
            start_unfit: false,
        }
    }
}

impl PostgresStoreBuilder {
    /// The schema that the records are in, made if it is missing. Default `public`.
    pub fn schema(mut self, schema: impl Into<Box<str>>) -> Self {
        self.schema = schema.into();
        self
    }

    /// The table of the records; what else there is begins with its name. Default `idem_records`.
    pub fn table(mut self, table: impl Into<Box<str>>) -> Self {
        self.table = table.into();
        self
    }

    /// How many connections the store opens for its statements at most, and again for transactions that
    /// handlers work in. Default 16. Beside them are one that listens and up to two that renew leases. An
    /// existing pool keeps its own bound, for both.
    pub const fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }

    /// How long a call waits for a connection, and before that for its turn, until it is given up unsent. Default
    /// 1 s. An existing pool keeps its own for connections.
    pub const fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// How long the server lets a statement of the store take. Default 5 s. A second later its outcome
    /// counts as unknown, and its connection is thrown away. On an existing pool, and behind a pooler, only
    /// that happens, since the server is not told.
    pub const fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// How often expired records are removed; `None`: never by this process. Default 60 s.
    pub fn sweep_every(mut self, period: impl Into<Option<Duration>>) -> Self {
        self.sweep_every = period.into();
        self
    }

    /// Works through a pooler in transaction mode: every statement has a transaction around it and is
    /// prepared anew, no session is set up, and waiting duplicates poll. An existing pool needs `statement_cache_capacity(0)`, and before
    /// PgBouncer 1.20 `extra_float_digits(None)`, in its own options.
    pub const fn pgbouncer(mut self) -> Self {
        self.pgbouncer = true;
        self.push = false;
        self
    }

    /// Leaves waiting duplicates to their polling, and saves the connection that listens.
    pub const fn without_push(mut self) -> Self {
        self.push = false;
        self
    }

    /// Changes nothing in the schema, and refuses to start if it is not up to date.
    pub const fn verify_only(mut self) -> Self {
        self.verify_only = true;
        self
    }

    /// Starts although the server is not fit ([`HealthIssue`] says why), and logs that every minute.
    pub const fn start_unfit(mut self) -> Self {
        self.start_unfit = true;
        self
    }

    /// All migrations as SQL text, for a migration tool of the application's own. They are applied in one
    /// transaction, to a database that has none of them.
    ///
    /// # Errors
    /// If the schema or the table has no name that Postgres would keep.
    pub fn migration_sql(&self) -> Result<String, ConnectError> {
        Ok(schema::text(&self.names()?))
    }

    /// Applies the migrations that are missing, for a deploy step of its own. Any number of processes may
    /// do so at once.
    ///
    /// # Errors
    /// If a name cannot be used, or the database refuses.
    pub async fn migrate(&self, pool: &PgPool) -> Result<(), ConnectError> {
        schema::migrate(pool, &self.names()?).await.map_err(ConnectError::Schema)
    }

    /// Connects to one database.
    ///
    /// # Errors
    /// If it cannot be reached, or is not fit to keep records.
    pub async fn connect(self, url: &str) -> Result<PostgresStore, ConnectError> {
        let options = PgConnectOptions::from_str(url).map_err(unusable)?;
        self.connect_with(options).await
    }

    /// [`connect`](Self::connect) with what a URL cannot spell.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(
        self,
        options: PgConnectOptions,
    ) -> Result<PostgresStore, ConnectError> {
        let timeout = self.statement_timeout.as_millis().max(1).to_string();
        if self.pgbouncer {
            let options = options.statement_cache_capacity(0).extra_float_digits(None);
            let calls = self.connections(options.clone());
            let transactions = self.pool(options);
            return self.open(calls, transactions).await;
        }
        let options = options.options(KEEPALIVE);
        let transactions = self.pool(options.clone());
        let calls = self.connections(options.options([("statement_timeout", timeout)]));
        self.open(calls, transactions).await
    }

    fn connections(&self, options: PgConnectOptions) -> Source {
        Source::Own(Connections::new(options, self.max_connections, self.wait_timeout))
    }

    fn pool(&self, options: PgConnectOptions) -> PgPool {
        PgPoolOptions::new()
            .max_connections(self.max_connections)
            .acquire_timeout(self.wait_timeout)
            .test_before_acquire(false)
            // A round trip less for connections that were in use a moment ago.
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > Duration::from_secs(1) {
                        sqlx::Connection::ping(connection).await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options)
    }

    /// Takes its connections from an existing pool. The pool's connections must be those of the database's
    /// primary. When handlers hold all of them, requests are refused with 503.
    ///
    /// # Errors
    /// If the database cannot be reached, or is not fit to keep records.
    pub async fn on_pool(self, pool: PgPool) -> Result<PostgresStore, ConnectError> {
        self.open(Source::Shared(pool.clone()), pool).await
    }

    async fn open(
        self,
        calls: Source,
        transactions: PgPool,
    ) -> Result<PostgresStore, ConnectError> {
        let names = self.names()?;
        calls.reach().await.map_err(unreachable)?;
        let server = self.push.then(|| Arc::unwrap_or_clone(transactions.connect_options()));
        let inner = Arc::new(Inner {
            statements: Statements::new(&names, !self.pgbouncer),
            sessions: Sessions::new(
                calls,
                transactions,
                self.pgbouncer,
                self.statement_timeout + Duration::from_secs(1),
                self.wait_timeout,
            ),
            push: Push::new(server, names.channel()),
            names,
            claims: PerRuntime::default(),
            completions: PerRuntime::default(),
            turns: Turns::default(),
        });
        self.prepare(&inner).await?;
        health::start(&inner);
        if let Some(period) = self.sweep_every {
            sweep::start(&inner, period);
        }
        Ok(PostgresStore(inner))
    }

    /// A server that takes no writes is refused before anything is written to it.
    async fn prepare(&self, inner: &Inner) -> Result<(), ConnectError> {
        let migrates = !self.verify_only;
        let of_schema = |alarm: &HealthIssue| matches!(alarm, HealthIssue::Schema { .. });
        let mut alarms = inner.look().await.map_err(ConnectError::Unreachable)?;
        if migrates && alarms.iter().all(of_schema) {
            schema::migrate(&inner.sessions.transactions, &inner.names)
                .await
                .map_err(ConnectError::Schema)?;
            alarms = inner.look().await.map_err(ConnectError::Unreachable)?;
        }
        match alarms.first() {
            Some(alarm) if !self.start_unfit => Err(ConnectError::Unfit(alarm.clone())),
            _ => {
                health::report(&alarms);
                Ok(())
            }
        }
    }

    fn names(&self) -> Result<Names, ConnectError> {
        Names::new(&self.schema, &self.table).map_err(unusable)
    }
}

/// Lets the server notice within a minute that a client is gone, and end its transaction.
const KEEPALIVE: [(&str, &str); 4] = [
    ("client_connection_check_interval", "10s"),
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];

fn unreachable(error: sqlx::Error) -> ConnectError {
    let code = error.as_database_error().and_then(|said| said.code().map(String::from));
    match code.as_deref() {
        Some("08P01") => ConnectError::Pooler(error),
        _ => ConnectError::Unreachable(StoreError::not_done(error)),
    }
}

fn unusable(error: impl Into<Box<dyn Error + Send + Sync>>) -> ConnectError {
    ConnectError::Config(error.into())
}
