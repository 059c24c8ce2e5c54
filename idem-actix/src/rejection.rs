//! Refusals as responses. The response does not contain the error's source.

use actix_web::{HttpRequest, HttpResponse};
use idem_core::{Idempotency, Policy, Refusal};

use crate::request;
use crate::response::from_stored;

/// The response to a call that the engine refused.
pub(crate) fn into_response(idempotency: &Idempotency, refusal: &Refusal) -> HttpResponse {
    from_stored(idempotency.problem(refusal))
}

/// The response to a request that was refused before it became a call of the engine.
pub(crate) fn refuse(
    idempotency: &Idempotency,
    policy: &Policy,
    request: &HttpRequest,
    refusal: &Refusal,
) -> HttpResponse {
    let operation = [request.method().as_str(), &request::pattern(request)];
    from_stored(idempotency.refuse(policy, &operation, refusal))
}
