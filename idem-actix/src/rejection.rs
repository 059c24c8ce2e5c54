//! Refusals as responses, with their details in the extensions. The response does not contain the error's source.

use actix_web::{HttpRequest, HttpResponse};
use idem_core::http::RefusalDetails;
use idem_core::{Idempotency, Policy, Refusal};

use crate::request;
use crate::response::from_stored;

/// The response to a call that the engine refused.
pub(crate) fn into_response(idempotency: &Idempotency, refusal: &Refusal) -> HttpResponse {
    render(idempotency, idempotency.details(refusal))
}

/// The response to a request that was refused before it became a call of the engine.
pub(crate) fn refuse(
    idempotency: &Idempotency,
    policy: &Policy,
    request: &HttpRequest,
    refusal: &Refusal,
) -> HttpResponse {
    let operation = [request.method().as_str(), &request::pattern(request)];
    render(idempotency, idempotency.refuse(policy, &operation, refusal))
}

fn render(idempotency: &Idempotency, details: RefusalDetails) -> HttpResponse {
    let mut response = from_stored(idempotency.render(&details));
    response.extensions_mut().insert(details);
    response
}
