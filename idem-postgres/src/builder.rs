//! The configuration of a [`PostgresStore`], and its start.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::background::Background;
use crate::conn::{Batcher, Begin, ConnectionSource, Connections, PoolSettings, Timeouts};
use crate::connect_error::ConnectError;
use crate::health::{self, HealthIssue};
use crate::isolation::IsolationLevel;
use crate::notify::Notifier;
use crate::quota::ScopeLimiter;
use crate::schema;
use crate::shared::Shared;
use crate::sql::{Names, Statements};
use crate::store::{Inner, PostgresStore};

/// Settings of a [`PostgresStore`]; see [`PostgresStore::builder`].
///
/// The methods that connect [check the server](idem_core::rules::guarantees#store-checks) first. They are
/// cancel safe, and must be called within a Tokio runtime.
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
    notifications: bool,
    verify_only: bool,
    allow_unsafe_server: bool,
    transaction_isolation: Option<IsolationLevel>,
    batch_every_call: bool,
}

impl PostgresStore {
    /// Connects to the database at `url`, such as `postgres://app@127.0.0.1/shop`, and brings the schema up to
    /// date. All settings have the defaults of the [`builder`](Self::builder).
    ///
    /// # Errors
    /// As [`PostgresStoreBuilder::connect`].
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }

    /// Returns a builder for a store with its own names or timeouts, or on an existing pool.
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
            notifications: true,
            verify_only: false,
            allow_unsafe_server: false,
            transaction_isolation: None,
            batch_every_call: false,
        }
    }
}

impl PostgresStoreBuilder {
    /// Sets the schema of the table. It is created if it does not exist. Default `public`; at most 46 bytes.
    pub fn schema(mut self, schema: impl Into<Box<str>>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Sets the table of the records. The names of the indexes, functions and the version table begin with
    /// it. Default `idem_records`; at most 46 bytes.
    pub fn table(mut self, table: impl Into<Box<str>>) -> Self {
        self.table = table.into();
        self
    }

    /// Sets the maximum number of connections for the store's statements, and again for the transactions of
    /// handlers. Each runtime has its own, such as each worker of actix-web. Default 16. In addition, one
    /// connection listens, and up to four renew leases. An existing pool keeps its own maximum for both.
    pub const fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }

    /// Sets the maximum time that a call waits for a connection, and before that for its batch or for other
    /// claims of a scope with a quota. After that the call fails without being sent. Default 1 s. An existing
    /// pool keeps its own timeout for connections.
    pub const fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// Sets the `statement_timeout` of the store's connections. Default 5 s. If there is no reply one second
    /// after it, the result of the statement is unknown, and its connection is closed. On an existing pool
    /// the server has no such timeout: set one for the role or in the options of the pool. A claim does not take
    /// effect after this time in any case.
    pub const fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Sets the isolation level of the transactions of handlers. The default is that of the database or role,
    /// usually `read committed`. A handler cannot set it, because the claim comes first in its transaction.
    ///
    /// Above `read committed`, a conflict between two handlers makes one of them fail with a serialization
    /// failure. Its writes are rolled back, its key is free, and its client gets 503 or the handler's error.
    pub const fn transaction_isolation(mut self, level: IsolationLevel) -> Self {
        self.transaction_isolation = Some(level);
        self
    }

    /// Sets the period in which this process deletes expired records; `None` disables it. Default 60 s.
    pub fn sweep_every(mut self, period: impl Into<Option<Duration>>) -> Self {
        self.sweep_every = period.into();
        self
    }

    /// Works through PgBouncer in transaction mode. Each statement gets a transaction of its own, nothing is
    /// prepared, no session parameters are set, and waiting duplicates poll.
    ///
    /// An existing pool needs `statement_cache_capacity(0)` in its own options, and for PgBouncer before 1.20
    /// also `extra_float_digits(None)`.
    pub const fn pgbouncer(mut self) -> Self {
        self.pgbouncer = true;
        self.notifications = false;
        self
    }

    /// Lets waiting duplicates poll, which saves the listening connection.
    pub const fn without_notifications(mut self) -> Self {
        self.notifications = false;
        self
    }

    /// Changes nothing in the schema. Connecting fails if the schema is not up to date.
    pub const fn verify_only(mut self) -> Self {
        self.verify_only = true;
        self
    }

    /// Starts although the server has a [`HealthIssue`], and logs the issue at start and every minute.
    pub const fn allow_unsafe_server(mut self) -> Self {
        self.allow_unsafe_server = true;
        self
    }

    /// Sends every claim, completion and renewal by the statement for several calls. For tests of these statements.
    #[doc(hidden)]
    pub const fn batch_every_call(mut self) -> Self {
        self.batch_every_call = true;
        self
    }

    /// Returns all migrations as SQL text, for the application's own migration tool. The tool must apply them
    /// in one transaction with the isolation level `read committed`, to a database that has none of them.
    ///
    /// # Errors
    /// [`ConnectError::Config`] if the schema or table name is invalid.
    pub fn migration_sql(&self) -> Result<String, ConnectError> {
        Ok(schema::migration_sql(&self.names()?))
    }

    /// Applies the missing migrations, as a separate step of a deploy. Several processes may do so
    /// concurrently.
    ///
    /// Cancel safe: the migrations are applied in one transaction.
    ///
    /// # Errors
    /// [`ConnectError::Config`] if the schema or table name is invalid, and [`ConnectError::Schema`] if the
    /// database fails.
    pub async fn migrate(&self, pool: &PgPool) -> Result<(), ConnectError> {
        schema::migrate(pool, &self.names()?).await.map_err(ConnectError::Schema)
    }

    /// Connects to the database at `url`, checks the server and brings the schema up to date.
    ///
    /// # Errors
    /// If the configuration is invalid, the server cannot be reached or has a [`HealthIssue`], or the schema
    /// cannot be migrated.
    pub async fn connect(self, url: &str) -> Result<PostgresStore, ConnectError> {
        let options = PgConnectOptions::from_str(url).map_err(ConnectError::config)?;
        self.connect_with(options).await
    }

    /// Connects as [`connect`](Self::connect), with options that a URL cannot express.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(
        self,
        options: PgConnectOptions,
    ) -> Result<PostgresStore, ConnectError> {
        if self.pgbouncer {
            let options = options.statement_cache_capacity(0).extra_float_digits(None);
            let settings = self.pool_settings(options);
            return self.open(ConnectionSource::own(settings.clone(), settings)).await;
        }
        let timeout = self.statement_timeout.as_millis().max(1).to_string();
        let transactions = options.options(SESSION);
        let statements = transactions.clone().options([("statement_timeout", timeout)]);
        let source =
            ConnectionSource::own(self.pool_settings(statements), self.pool_settings(transactions));
        self.open(source).await
    }

    /// Uses an existing pool for statements and transactions. The connections that listen and renew leases are
    /// opened separately, with the options of the pool. The pool must lead to the primary. While handlers hold
    /// all of its connections, requests are refused with 503.
    ///
    /// The runtimes that opened the pool's connections drive them. Do not use the store on several runtimes: if
    /// one of them is blocked or has ended, calls on the others fail.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn on_pool(self, pool: PgPool) -> Result<PostgresStore, ConnectError> {
        self.open(ConnectionSource::shared(pool)).await
    }

    fn pool_settings(&self, options: PgConnectOptions) -> PoolSettings {
        let Self { max_connections, wait_timeout, .. } = *self;
        PoolSettings { options: Box::new(options), max_connections, wait_timeout }
    }

    async fn open(self, source: ConnectionSource) -> Result<PostgresStore, ConnectError> {
        let names = self.names()?;
        source
            .connect()
            .await
            .map_err(|error| ConnectError::unreachable(source.server(), error))?;
        let server = self.notifications.then(|| source.options().clone());
        let timeouts = Timeouts {
            wait: self.wait_timeout,
            reply: self.statement_timeout + Duration::from_secs(1),
        };
        let begin = Begin {
            statement: self.pgbouncer.then(|| begin_statement(self.statement_timeout)),
            transaction: self.transaction_isolation.map_or("BEGIN", IsolationLevel::begin),
        };
        let notifier = Notifier::new(server, names.channel());
        let shared = Arc::new(Shared {
            connections: Connections::new(source, begin, timeouts),
            statements: Statements::new(&names, !self.pgbouncer, self.statement_timeout),
            names,
            batch_every_call: self.batch_every_call,
        });
        self.prepare(&shared).await?;
        let background = Background::new(self.sweep_every);
        background.ensure_running(&shared);
        Ok(PostgresStore(Arc::new(Inner {
            shared,
            background,
            claims: Batcher::default(),
            completions: Batcher::default(),
            renewals: Batcher::default(),
            scope_limiter: ScopeLimiter::default(),
            notifier,
        })))
    }

    /// Checks the server and migrates the schema. A server with an issue is rejected before anything is
    /// written to it.
    async fn prepare(&self, shared: &Shared) -> Result<(), ConnectError> {
        let is_schema = |issue: &HealthIssue| matches!(issue, HealthIssue::Schema { .. });
        let mut issues = check(shared).await?;
        if !self.verify_only && issues.iter().all(is_schema) {
            let pool = shared.connections.transactions().map_err(ConnectError::config)?;
            schema::migrate(&pool, &shared.names).await.map_err(ConnectError::Schema)?;
            issues = check(shared).await?;
        }
        match issues.first() {
            Some(issue) if !self.allow_unsafe_server => Err(ConnectError::Unhealthy {
                server: (*shared.connections.server).into(),
                issue: issue.clone(),
            }),
            _ => {
                health::log(shared, &issues);
                Ok(())
            }
        }
    }

    fn names(&self) -> Result<Names, ConnectError> {
        Names::new(&self.schema, &self.table).map_err(ConnectError::config)
    }
}

/// Begins the transaction of one statement behind a pooler, where no session has settings of its own. If the
/// client stops before the commit, the server soon releases the locks of the statement.
fn begin_statement(timeout: Duration) -> Arc<str> {
    let milliseconds = timeout.as_millis().max(1);
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; \
         SET LOCAL statement_timeout = {milliseconds}; \
         SET LOCAL idle_in_transaction_session_timeout = {milliseconds}"
    )
    .into()
}

/// The settings of the store's own connections. The server notices within a minute that a client is gone, and
/// rolls back its transaction.
const SESSION: [(&str, &str); 4] = [
    ("client_connection_check_interval", "10s"),
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];

async fn check(shared: &Shared) -> Result<Vec<HealthIssue>, ConnectError> {
    let server = || (*shared.connections.server).into();
    let checked = health::check(shared).await;
    checked.map_err(|source| ConnectError::Unreachable { server: server(), source: source.into() })
}
