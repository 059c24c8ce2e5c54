//! Rejections as errors of plain functions.

use std::error::Error;
use std::fmt;

use super::Disposition;
use crate::model::Rejection;

/// A [`Rejection`] as the error of a guarded function: idem refused the call in place of the function's body.
///
/// The caller receives it as the function's own error type, by `From`. `Display` and `source` are those of the rejection.
#[derive(Debug)]
pub struct Rejected {
    rejection: Rejection,
    disposition: Disposition,
}

impl Rejected {
    pub(super) const fn new(rejection: Rejection, disposition: Disposition) -> Self {
        Self { rejection, disposition }
    }

    /// The reason.
    pub const fn rejection(&self) -> &Rejection {
        &self.rejection
    }

    /// Returns the recommended action for the message that led to the call:
    ///
    /// | Disposition | Rejection |
    /// |---|---|
    /// | acknowledge | an `Ok` was not retained, but the work is done |
    /// | redeliver after a lease | in progress; at least once: this run lost its lease, and no other run has a result yet |
    /// | redeliver after [`retry_after`](crate::IdempotencyBuilder::retry_after) | the store is unavailable or full, too many runs are active, the result is not stored yet, shutdown, a panic |
    /// | dead-letter | outcome unknown; key reused; an invalid key or scope; a stored result or record that cannot be read; a final `Err` that was not retained |
    /// | dead-letter | in a call inside another guarded run: an `Ok` that was not retained, because the outer run lacks it |
    pub const fn disposition(&self) -> Disposition {
        self.disposition
    }
}

/// Writes the text of the rejection. The rejection itself is not the source, so no text appears twice in a chain.
impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rejection.fmt(f)
    }
}

impl Error for Rejected {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.rejection.source()
    }
}
