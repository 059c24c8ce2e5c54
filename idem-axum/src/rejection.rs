//! Rejections as responses, opaque to clients.

use axum::response::Response;
use idem_core::{Idempotency, Rejection};

use crate::response::from_answer;

/// The response to a call that the engine refused.
pub(crate) fn into_response(idempotency: &Idempotency, rejection: &Rejection) -> Response {
    from_answer(idempotency.problem(rejection))
}

/// The response to a request that never became a call of the engine.
pub(crate) fn refuse(idempotency: &Idempotency, rejection: &Rejection) -> Response {
    from_answer(idempotency.refuse(rejection))
}
