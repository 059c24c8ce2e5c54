//! What can go wrong in a store.

use std::error::Error;
use std::fmt;

/// A store call that did not do its work. Keeps its source; clients see none of it.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What is known about a store call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Nothing was changed: the call was refused or never sent.
    NotDone,
    /// The call may have been applied: its answer was lost. Never to be read as "free".
    Unknown,
    /// What stands under the key is not a record that this code can read.
    Corrupt,
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotDone => "the store did not do it; check that it is reachable and accepts writes",
            Self::Unknown => "the store's answer was lost; the change may have been made",
            Self::Corrupt => "the stored record cannot be read; it is never run again, so inspect or delete it by hand",
        })
    }
}

impl StoreError {
    /// Nothing was changed.
    pub fn not_done(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::NotDone, source: Some(source.into()) }
    }

    /// The change may have been made.
    pub fn unknown(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Unknown, source: Some(source.into()) }
    }

    /// The record cannot be read.
    pub fn corrupt(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Corrupt, source: Some(source.into()) }
    }

    /// What is known about the call.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl From<crate::codec::WireError> for StoreError {
    fn from(error: crate::codec::WireError) -> Self {
        Self::corrupt(error)
    }
}
