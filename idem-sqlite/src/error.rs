//! Errors of SQLite, and what they prove about a call.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use sqlx::Error;

/// One error that ends several calls.
#[derive(Clone, Debug)]
pub(crate) struct SharedError(Arc<Error>);

/// Makes an error that several calls can return.
pub(crate) fn shared(error: Error) -> SharedError {
    SharedError(Arc::new(error))
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for SharedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// The call waited too long for the writer, a reader or the lock of the file. It was not begun.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "the SQLite store is overloaded, or another process keeps the file locked; nothing was written"
)]
pub(crate) struct Overloaded;

/// The store's thread has ended.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the thread of the SQLite store has ended; open the store again")]
pub(crate) struct Ended;

/// The primary result codes of SQLite that the store distinguishes.
const BUSY: i32 = 5;
const READ_ONLY: i32 = 8;
const TOO_BIG: i32 = 18;
const CONSTRAINT: i32 = 19;
const MISMATCH: i32 = 20;

/// Whether another connection holds the lock that a statement needs.
pub(crate) fn is_busy(error: &Error) -> bool {
    primary_code(error) == Some(BUSY)
}

/// Whether the file or its directory cannot be written.
pub(crate) fn is_read_only(error: &Error) -> bool {
    primary_code(error) == Some(READ_ONLY)
}

/// Whether the error is about the values of one call, and not about the file.
pub(crate) fn is_about_values(error: &Error) -> bool {
    matches!(primary_code(error), Some(TOO_BIG | CONSTRAINT | MISMATCH))
        || matches!(error, Error::Encode(_) | Error::ColumnDecode { .. } | Error::Decode(_))
}

fn primary_code(error: &Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<i32>().ok()? & 0xff)
}
