//! Rejections as responses. The response does not contain the error's source.

use actix_web::HttpResponse;
use idem_core::{Idempotency, Rejection};

use crate::response::from_stored;

/// The response to a call that the engine rejected.
pub(crate) fn into_response(idempotency: &Idempotency, rejection: &Rejection) -> HttpResponse {
    from_stored(idempotency.problem(rejection))
}

/// The response to a request that was rejected before it became a call of the engine.
pub(crate) fn refuse(idempotency: &Idempotency, rejection: &Rejection) -> HttpResponse {
    from_stored(idempotency.refuse(rejection))
}
