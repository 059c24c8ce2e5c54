//! Opening a store.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use idem_core::store::Wakeups;
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool, query_scalar};
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

use crate::clock::Clock;
use crate::connection::{Connector, SideConnection};
use crate::error::{is_busy, is_read_only};
use crate::file::{DatabaseFile, is_on_network};
use crate::health::{self, HealthIssue};
use crate::open_error::OpenError;
use crate::schema;
use crate::shared::Shared;
use crate::store::SqliteStore;
use crate::thread::{self, Queues};

/// The maximum numbers of calls and of reads that wait. Later ones wait for a place.
const MAX_WAITING: usize = 4_096;

/// The pause before another attempt to open a file that another process is creating.
const OPEN_PAUSE: Duration = Duration::from_millis(10);

/// The size to which the log is cut after it was longer, in bytes.
const LOG_SIZE_LIMIT: &str = "67108864";

/// Opens a [`SqliteStore`] with its own settings, or on an existing pool.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before it opens a file"]
pub struct SqliteStoreBuilder {
    wait_timeout: Duration,
    sweep_every: Option<Duration>,
    only_existing: bool,
}

impl SqliteStore {
    /// Opens the database file at `path`, and creates it if it does not exist. All settings have the defaults of the
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// As [`SqliteStoreBuilder::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::builder().open(path).await
    }

    /// Returns a builder for a store with its own timeouts, or on an existing pool.
    ///
    /// ```no_run
    /// # async fn open() -> Result<(), idem_sqlite::OpenError> {
    /// use std::time::Duration;
    /// use idem_sqlite::SqliteStore;
    ///
    /// let store = SqliteStore::builder().wait_timeout(Duration::from_secs(2)).open("idem.db").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn builder() -> SqliteStoreBuilder {
        SqliteStoreBuilder {
            wait_timeout: Duration::from_secs(5),
            sweep_every: Some(Duration::from_secs(60)),
            only_existing: false,
        }
    }
}

impl SqliteStoreBuilder {
    /// Sets the maximum time that a call waits for its transaction to begin, for example because another process keeps
    /// the file locked. After that the call fails, and nothing was written. Default 5 s.
    pub const fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// Sets the period in which this process deletes expired records; `None` disables it. Default 60 s.
    pub fn sweep_every(mut self, period: impl Into<Option<Duration>>) -> Self {
        self.sweep_every = period.into();
        self
    }

    /// Opens only a file that has the tables of the store, and leaves any other file as it is. This suits tools, whose
    /// users may mistype a path. By default a missing file and missing tables are created.
    pub const fn only_existing(mut self) -> Self {
        self.only_existing = true;
        self
    }

    /// Opens the database file at `path`, and creates it if it does not exist. A URL such as `sqlite:idem.db` is accepted
    /// too. The directory must exist and be on a local disk.
    ///
    /// # Errors
    /// * The file cannot be opened or written, or is on a network file system.
    /// * It has several hard links, or is mounted without its directory.
    /// * It belongs to another version of the store.
    /// * `path` names a database in memory.
    /// * With [`only_existing`](Self::only_existing): the file or the tables are missing.
    pub async fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, OpenError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        if name.is_empty() || name.contains(":memory:") || name.contains("mode=memory") {
            return Err(OpenError::InMemory { path: name.into() });
        }
        let options = match name.starts_with("sqlite:") {
            false => SqliteConnectOptions::new().filename(path),
            true => SqliteConnectOptions::from_str(&name)
                .map_err(|error| OpenError::Config { path: name.into(), source: error.into() })?,
        };
        self.open_with(options, None).await
    }

    /// Uses the file of an existing pool, beside the tables of the application. The store opens its own connections with
    /// the options of the pool, and switches the file to a write-ahead log.
    ///
    /// The application's transactions and those of the store exclude each other. While one of the application is open and
    /// has written, claims wait, and are refused after [`wait_timeout`](Self::wait_timeout).
    ///
    /// # Errors
    /// As [`open`](Self::open), and if `synchronous` is `OFF` in the pool.
    pub async fn on_pool(self, pool: SqlitePool) -> Result<SqliteStore, OpenError> {
        let options = SqliteConnectOptions::clone(&pool.connect_options());
        self.open_with(options, Some(pool)).await
    }

    async fn open_with(
        self,
        options: SqliteConnectOptions,
        pool: Option<SqlitePool>,
    ) -> Result<SqliteStore, OpenError> {
        let path = options.get_filename().to_owned();
        let name: Box<str> = path.display().to_string().into();
        let unhealthy = |issue| OpenError::Unhealthy { path: name.clone(), issue };
        verify_path(&path).map_err(unhealthy)?;
        if self.only_existing {
            verify_has_tables(&options).await?;
        }
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(self.wait_timeout)
            .pragma("journal_size_limit", LOG_SIZE_LIMIT)
            .disable_statement_logging();
        let is_new = !path.exists();
        let creating = match &pool {
            None if is_new => {
                // This pragma writes to the file, so only the first connection has it.
                let options = options.clone().create_if_missing(true);
                options.auto_vacuum(SqliteAutoVacuum::Incremental)
            }
            _ => options.clone(),
        };
        let version = self.prepare(&creating, &name).await?;
        let file = DatabaseFile::at(&path)
            .map_err(|error| OpenError::Open { path: name.clone(), source: error.into() })?;
        if is_new {
            tracing::warn!(
                path = &*file.name(),
                "created a new database file; if the file existed before, look for a directory that is not kept over restarts"
            );
        }
        if version != schema::VERSION {
            return Err(unhealthy(HealthIssue::Schema { found: version, needed: schema::VERSION }));
        }
        let options = options.create_if_missing(false);
        let connector = Connector { options, file, clock: Clock::new(), writer: rand::random() };
        self.start(Arc::new(connector), pool).await
    }

    /// Creates the tables, and returns the version of the schema. Waits for another process that does the same.
    async fn prepare(&self, options: &SqliteConnectOptions, name: &str) -> Result<i64, OpenError> {
        let started = Instant::now();
        loop {
            match prepare_once(options, name).await {
                Err(OpenError::Open { source, .. })
                    if source.downcast_ref::<sqlx::Error>().is_some_and(is_busy)
                        && started.elapsed() < self.wait_timeout =>
                {
                    sleep(OPEN_PAUSE).await;
                }
                prepared => return prepared,
            }
        }
    }

    async fn start(
        self,
        connector: Arc<Connector>,
        pool: Option<SqlitePool>,
    ) -> Result<SqliteStore, OpenError> {
        let path = connector.file.name();
        let (calls, received_calls) = mpsc::channel(MAX_WAITING);
        let (reads, received_reads) = mpsc::channel(MAX_WAITING);
        let shared = Arc::new(Shared {
            side: SideConnection::new(Arc::clone(&connector)),
            connector,
            pool,
            wakeups: Arc::new(Wakeups::default()),
            waiting: Notify::new(),
            wait_timeout: self.wait_timeout,
            reads,
            calls,
        });
        let failed = |source| OpenError::Open { path: path.clone(), source };
        let issues = health::check(&shared).await.map_err(|error| failed(error.into()))?;
        if let Some(issue) = issues.iter().find(|issue| issue.prevents_start()) {
            return Err(OpenError::Unhealthy { path, issue: issue.clone() });
        }
        health::log(&shared, &issues);
        let queues = Queues { calls: received_calls, reads: received_reads };
        thread::start(&shared, queues, self.sweep_every).map_err(|error| failed(error.into()))?;
        Ok(SqliteStore(shared))
    }
}

/// Checks the path before SQLite opens it, because a file that is opened by a second path gets a second log.
fn verify_path(path: &Path) -> Result<(), HealthIssue> {
    // The path may be a link to another disk.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if is_on_network(&path) {
        return Err(HealthIssue::NoWal);
    }
    health::path_issue(&path).map_or(Ok(()), Err)
}

/// Checks that the file has the tables of the store. The settings of the store are not applied yet, because they change
/// the file.
async fn verify_has_tables(options: &SqliteConnectOptions) -> Result<(), OpenError> {
    let name: Box<str> = options.get_filename().display().to_string().into();
    let failed = |error| open_error(&name, error);
    let mut connection =
        options.clone().create_if_missing(false).connect().await.map_err(failed)?;
    let version = schema::version(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    match version {
        Some(_) => Ok(()),
        None => Err(OpenError::NoTables { path: name }),
    }
}

async fn prepare_once(options: &SqliteConnectOptions, name: &str) -> Result<i64, OpenError> {
    let failed = |error| open_error(name, error);
    let mut connection = options.connect().await.map_err(failed)?;
    if is_in_memory(&mut connection).await.map_err(failed)? {
        return Err(OpenError::InMemory { path: name.into() });
    }
    let mode: String =
        query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await.map_err(failed)?;
    if mode != "wal" {
        return Err(OpenError::Unhealthy { path: name.into(), issue: HealthIssue::NoWal });
    }
    let version = schema::create_if_missing(&mut connection).await.map_err(failed)?;
    schema::verify_writable(&mut connection).await.map_err(failed)?;
    Ok(version)
}

/// A database in memory has no file name.
async fn is_in_memory(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    let file = "SELECT file FROM pragma_database_list WHERE name = 'main'";
    let file: Option<String> = query_scalar(file).fetch_one(connection).await?;
    Ok(file.is_none_or(|file| file.is_empty()))
}

fn open_error(name: &str, error: sqlx::Error) -> OpenError {
    match is_read_only(&error) {
        true => OpenError::ReadOnly { path: name.into(), source: error },
        false => OpenError::Open { path: name.into(), source: error.into() },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Without these settings, a power failure can lose acknowledged commits.
    #[tokio::test]
    async fn connections_commit_durably_also_on_a_pool_with_weaker_settings() {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(directory.path().join("idem.db"))
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Normal);
        let pool = SqlitePool::connect_lazy_with(options);
        let store = SqliteStore::builder().on_pool(pool).await.unwrap();
        let mut writer = store.0.connector.connect_writer().await.unwrap();
        let level: i64 = query_scalar("PRAGMA synchronous").fetch_one(&mut writer).await.unwrap();
        let mode: String =
            query_scalar("PRAGMA journal_mode").fetch_one(&mut writer).await.unwrap();
        assert_eq!((level, &*mode), (2, "wal"));
    }
}
