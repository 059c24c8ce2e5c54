//! Refusals as responses, with their details in the extensions. The response does not contain the error's source.

use axum::response::Response;
use idem_core::http::RefusalDetails;
use idem_core::{Idempotency, Policy, Refusal};

use crate::request::Operation;
use crate::response::from_stored;

/// The response to a call that the engine refused.
pub(crate) fn into_response(idempotency: &Idempotency, refusal: &Refusal) -> Response {
    render(idempotency, idempotency.details(refusal))
}

/// The response to a request that was refused before it became a call of the engine.
pub(crate) fn refuse(
    idempotency: &Idempotency,
    policy: &Policy,
    operation: &Operation,
    refusal: &Refusal,
) -> Response {
    render(idempotency, idempotency.refuse(policy, &operation.words(), refusal))
}

fn render(idempotency: &Idempotency, details: RefusalDetails) -> Response {
    let mut response = from_stored(idempotency.render(&details));
    response.extensions_mut().insert(details);
    response
}
