//! Classification of Postgres errors: "not done" or "unknown", never "free".

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use idem_core::store::{StoreError, StoreErrorKind};
use sqlx::Error;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// SQLSTATE classes and codes with which the server rejects a statement and rolls it back. Codes of failed
/// connections are missing, such as 08P01: PgBouncer reports with it that it lost the server, which can
/// happen after the commit.
const ROLLED_BACK: [&str; 13] = [
    "22",    // data exception
    "23",    // integrity constraint violation
    "25",    // invalid transaction state, such as a read-only transaction
    "26",    // a prepared statement that a pooler lost
    "3F",    // missing schema
    "40001", // serialization failure
    "40P01", // deadlock
    "42",    // syntax error, missing table, missing privilege
    "53100", // out of disk space
    "53200", // out of memory
    "54",    // program limit exceeded
    "55P03", // lock timeout
    "57014", // cancelled, by a timeout or by an operator
];

/// SQLSTATE classes and codes after which the connection must not be used again: shutdown, crash, a server
/// that became a standby, and prepared statements that another client of a pooler left behind.
const CONNECTION_UNUSABLE: [&str; 6] = ["57P0", "25006", "25P0", "26000", "08", "XX"];

/// Converts the error of a statement that commits by itself, or of a commit.
pub(crate) fn from_statement(error: Error) -> StoreError {
    match is_rolled_back(&error) {
        true => StoreError::not_done(error),
        false => StoreError::unknown(error),
    }
}

/// Whether the error proves that the server rolled back. An error that closes the connection (FATAL, PANIC)
/// proves nothing, because it can arrive after the commit. PgBouncer makes no other errors.
fn is_rolled_back(error: &Error) -> bool {
    let database = error.as_database_error();
    database.is_some_and(|error| keeps_connection(error) && has_code(error, &ROLLED_BACK))
}

/// Whether the server rejected the statement, so that nothing was changed.
pub(crate) fn is_rejected(error: &StoreError) -> bool {
    let mut sources = std::iter::successors(error.source(), |&source| source.source());
    let client = sources.find_map(|source| source.downcast_ref());
    error.kind() == StoreErrorKind::NotDone && client.is_some_and(is_rolled_back)
}

/// Whether the connection that failed with `error` must not be used again.
pub(crate) fn breaks_connection(error: &Error) -> bool {
    match error {
        Error::Database(database) => {
            !keeps_connection(&**database) || has_code(&**database, &CONNECTION_UNUSABLE)
        }
        _ => true,
    }
}

fn keeps_connection(error: &dyn DatabaseError) -> bool {
    let error = error.try_downcast_ref::<PgDatabaseError>();
    error.is_some_and(|error| error.severity() == PgSeverity::Error)
}

fn has_code(error: &dyn DatabaseError, prefixes: &[&str]) -> bool {
    error.code().is_some_and(|code| prefixes.iter().any(|prefix| code.starts_with(prefix)))
}

/// No connection could be opened, or none became free in time. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("cannot get a connection to {server}")]
pub(crate) struct NoConnection {
    pub(crate) server: Arc<str>,
    pub(crate) source: Error,
}

/// The reply to a statement did not arrive in time.
#[derive(Debug, thiserror::Error)]
#[error("no reply from {server} within {timeout:?}")]
pub(crate) struct NoReply {
    pub(crate) server: Arc<str>,
    pub(crate) timeout: Duration,
}

/// A reply that no statement of this store should return.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnexpectedReply {
    #[error("unexpected reply from Postgres: no row")]
    NoRow,
    #[error("unexpected reply from Postgres: cannot read the column `{column}`")]
    Column { column: &'static str, source: Error },
    #[error("unexpected reply from Postgres: a scope without a limit is full")]
    AtCapacity,
    #[error("unexpected reply from Postgres: a claim in a transaction is a recovery")]
    Recovery,
}
