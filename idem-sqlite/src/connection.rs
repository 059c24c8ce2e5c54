//! Connections to the file.

use std::sync::Arc;

use idem_core::store::StoreError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::file::DatabaseFile;

/// Everything that a connection to the file needs, and what all of them share.
pub(crate) struct Connector {
    pub(crate) options: SqliteConnectOptions,
    pub(crate) file: DatabaseFile,
    pub(crate) clock: Clock,
    /// Identifies this store among the processes that write to the file.
    pub(crate) writer: [u8; 16],
}

impl Connector {
    pub(crate) async fn connect(&self) -> sqlx::Result<SqliteConnection> {
        // SQLite deletes the log beside an empty file, so a file that has replaced the database must not be opened.
        self.file.verify().map_err(|error| sqlx::Error::Configuration(error.into()))?;
        self.options.connect().await
    }

    /// Opens a connection that, once it is open, never waits for a lock by itself.
    pub(crate) async fn connect_writer(&self) -> sqlx::Result<SqliteConnection> {
        let mut connection = self.connect().await?;
        sqlx::query("PRAGMA busy_timeout = 0").execute(&mut connection).await?;
        Ok(connection)
    }
}

/// A query without results of its own type.
pub(crate) type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// A connection for everything that is neither the read nor the change of one record: listings, checks and the search
/// for changes of other processes. It is opened when it is first used.
pub(crate) struct SideConnection {
    connector: Arc<Connector>,
    connection: Mutex<Option<SqliteConnection>>,
}

impl SideConnection {
    pub(crate) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, connection: Mutex::default() }
    }

    /// Runs a query that only reads. After an error, the next query opens another connection.
    pub(crate) async fn fetch_all(&self, query: Query) -> Result<Vec<SqliteRow>, StoreError> {
        let mut place = self.connection.lock().await;
        let mut connection = match place.take() {
            Some(connection) => connection,
            None => self.connector.connect().await.map_err(StoreError::not_done)?,
        };
        let rows = query.fetch_all(&mut connection).await.map_err(StoreError::not_done)?;
        *place = Some(connection);
        Ok(rows)
    }
}
