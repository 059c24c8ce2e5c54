//! Errors of store operations.

use std::error::Error;
use std::fmt;

/// The error of a store operation.
///
/// It keeps its source for the log. Clients never see either.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The certainty of a failed store operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Nothing was changed: the operation was refused or never sent.
    NotDone,
    /// The operation may have been applied, but its reply was lost. It must never be read as "the key is free".
    Unknown,
    /// The value under the key is not a record that this code can read.
    Corrupt,
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotDone => {
                "the store rejected the operation or could not be reached; no change was made"
            }
            Self::Unknown => "the store's reply was lost; the change may have been made",
            Self::Corrupt => {
                "the stored record cannot be read, and its key stays held; inspect the record, and delete it only if a second run is acceptable"
            }
        })
    }
}

impl StoreError {
    /// An error of an operation that changed nothing.
    pub fn not_done(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::NotDone, source: Some(source.into()) }
    }

    /// An error of an operation that may have been applied.
    pub fn unknown(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Unknown, source: Some(source.into()) }
    }

    /// An error about a record that cannot be read.
    pub fn corrupt(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Corrupt, source: Some(source.into()) }
    }

    /// Returns what is known about the operation.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

/// A [`StoreError`] for a message to an operator. `Display` shows only its innermost cause, such as "connection refused".
///
/// It has no source itself. The errors of clients repeat the text of their causes, so a printed chain would name the cause
/// several times. `Debug` shows the whole chain.
#[derive(Debug)]
pub struct RootCause(StoreError);

impl From<StoreError> for RootCause {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl RootCause {
    /// Returns the error with all its sources.
    pub const fn error(&self) -> &StoreError {
        &self.0
    }
}

impl fmt::Display for RootCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cause: &dyn Error = &self.0;
        while let Some(source) = cause.source() {
            cause = source;
        }
        fmt::Display::fmt(cause, f)
    }
}

impl Error for RootCause {}
