//! The error of opening a store.

use std::error::Error;

use crate::health::HealthIssue;

/// The reason why a [`SqliteStore`](crate::SqliteStore) could not be opened. Messages contain the path of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The database is in memory.
    #[error(
        "`{path}` is a database in memory, which loses its records at exit; use `MemoryStore`, or the path of a file"
    )]
    InMemory {
        /// The path or URL.
        path: Box<str>,
    },
    /// The options of the database are invalid.
    #[error("invalid options of the SQLite database `{path}`")]
    Config {
        /// The path or URL.
        path: Box<str>,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The process may not write to the file or its directory.
    #[error(
        "cannot write to the SQLite database `{path}`; make the file and its directory writable for this process"
    )]
    ReadOnly {
        /// The path of the file.
        path: Box<str>,
        /// The reason.
        source: sqlx::Error,
    },
    /// The file could not be opened or created, or it is not a SQLite database.
    #[error(
        "cannot open the SQLite database `{path}`; check that its directory exists, that this process can write to it, and that the file is a SQLite database"
    )]
    Open {
        /// The path of the file.
        path: Box<str>,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file has no tables of the store, and [`only_existing`](crate::SqliteStoreBuilder::only_existing) was set.
    #[error("the SQLite database `{path}` has no idempotency records; check the path")]
    NoTables {
        /// The path of the file.
        path: Box<str>,
    },
    /// The file or its disk cannot keep the promises of the store.
    #[error("the SQLite database `{path}` is not safe for idempotency records")]
    Unhealthy {
        /// The path of the file.
        path: Box<str>,
        /// The issue, and what to do.
        #[source]
        issue: HealthIssue,
    },
}
