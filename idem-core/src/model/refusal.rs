//! A rejection with the record that it concerns.

use super::{Extras, RecordId, Rejection};

/// A [`Rejection`], with the record that it concerns. Returned by [`Idempotency::run`](crate::Idempotency::run), and
/// described for clients by [`Idempotency::details`](crate::Idempotency::details).
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
    extras: Option<Extras>,
}

impl Refusal {
    /// A refusal of a call whose record is known.
    pub(crate) fn of(rejection: Rejection, record: RecordId, extras: &Extras) -> Self {
        Self { rejection, record: Some(record), extras: Some(extras.clone()) }
    }

    /// The name of the operation. `None` if the call was refused before key, scope and operation were known.
    pub fn operation(&self) -> Option<&str> {
        self.extras.as_ref().map(Extras::operation)
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, record: None, extras: None }
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        refusal.rejection
    }
}
