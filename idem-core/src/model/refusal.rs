//! A rejection with the record that it concerns.

use super::{RecordId, Rejection};

/// A [`Rejection`], with the record that it concerns. Returned by [`Idempotency::run`](crate::Idempotency::run), and sent to
/// clients by [`Idempotency::problem`](crate::Idempotency::problem).
///
/// `Display` and `source` are those of the rejection.
#[derive(Debug, thiserror::Error)]
#[error("{rejection}")]
#[non_exhaustive]
pub struct Refusal {
    /// Why the call was refused.
    pub rejection: Rejection,
    /// The record of the key. `None` if the call was refused before key, scope and operation were known.
    pub record: Option<RecordId>,
}

impl Refusal {
    /// A refusal of a call whose record is known.
    pub(crate) const fn of(rejection: Rejection, record: RecordId) -> Self {
        Self { rejection, record: Some(record) }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, record: None }
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        refusal.rejection
    }
}
