//! What a failure of Postgres means: "not done", "unknown", or "not a record"; never "free".

use idem_core::store::{StoreError, StoreErrorKind};
use sqlx::Error;

/// Classes and codes of errors after which a statement that commits by itself was rolled back. The
/// server says them on a connection that lives on; the end of a connection may come at any moment.
const REFUSALS: [&str; 14] = [
    "08P01", // protocol violation, as a pooler calls what it does not know
    "22",    // data exception
    "23",    // integrity constraint
    "25",    // such as a read-only transaction, or one that failed before
    "26",    // a prepared statement that a pooler lost
    "28",    // authorization
    "3D",    // no such database
    "3F",    // no such schema
    "40001", // serialization failure
    "40P01", // deadlock
    "42",    // syntax, missing tables, privileges
    "53",    // out of memory, of disk, of connections
    "54",    // too complex
    "55P03", // lock timeout
];

/// What is known about a statement that failed with `error`.
pub(crate) fn of_statement(error: Error) -> StoreError {
    let refused = match &error {
        Error::Database(said) => said.code().is_some_and(|code| is_refusal(&code)),
        Error::PoolTimedOut | Error::PoolClosed | Error::Configuration(_) => true,
        _ => false,
    };
    match refused {
        true => StoreError::not_done(error),
        false => StoreError::unknown(error),
    }
}

/// Whether the server said that it did not do it, so that nothing was changed.
pub(crate) fn is_refused(failed: &StoreError) -> bool {
    let source = std::error::Error::source(failed).and_then(|source| source.downcast_ref());
    failed.kind() == StoreErrorKind::NotDone && matches!(source, Some(Error::Database(_)))
}

fn is_refusal(code: &str) -> bool {
    // `57014`: cancelled by a timeout or a person.
    code == "57014" || REFUSALS.iter().any(|refusal| code.starts_with(refusal))
}

/// Whether a connection that failed with `error` should be used no more.
pub(crate) fn ends_connection(error: &Error) -> bool {
    match error {
        // Shutdown, crash, a standby by now, a prepared statement of somebody else's.
        Error::Database(said) => said.code().is_some_and(|code| {
            ["57P0", "25006", "25P0", "26000", "08", "XX"]
                .iter()
                .any(|class| code.starts_with(class))
        }),
        _ => true,
    }
}

/// An answer that no statement of this store gives.
#[derive(Debug, thiserror::Error)]
#[error("Postgres gave an answer that this store does not know")]
pub(crate) struct UnexpectedReply;
