//! Refusals as responses, with their details in the extensions. The response does not contain the error's source.

use actix_web::{HttpRequest, HttpResponse};
use idem_core::http::{RefusalDetails, grpc_refusal};
use idem_core::store::StoredResponse;
use idem_core::{Idempotency, Outcome, Policy, Refusal, Rejection};

use crate::body::FromBytes;
use crate::request;
use crate::response::from_stored;

/// The response to a call that the engine refused.
pub(crate) fn into_response<R: FromBytes>(
    idempotency: &Idempotency,
    refusal: &Refusal,
) -> HttpResponse<R> {
    let details = idempotency.details(refusal);
    with_details(idempotency.render(&details), details)
}

/// The response to a request of a handler that was refused before it became a call of the engine.
pub(crate) fn refuse(
    idempotency: &Idempotency,
    policy: &Policy,
    request: &HttpRequest,
    refusal: &Refusal,
) -> HttpResponse {
    let operation = [request.method().as_str(), &request::pattern(request)];
    refuse_operation(idempotency, policy, &operation, refusal)
}

/// The response to a request of `operation` that was refused before it became a call of the engine.
pub(crate) fn refuse_operation<R: FromBytes>(
    idempotency: &Idempotency,
    policy: &Policy,
    operation: &[&str],
    refusal: &Refusal,
) -> HttpResponse<R> {
    let details = idempotency.refuse(policy, operation, refusal);
    match refusal.rejection {
        Rejection::Grpc => with_details(grpc_refusal(), details),
        // For the outer guard: the handler did not run, so its key is free.
        Rejection::GuardedTwice => {
            let mut response = with_details(idempotency.render(&details), details);
            response.extensions_mut().insert(Outcome::NotExecuted);
            response
        }
        _ => with_details(idempotency.render(&details), details),
    }
}

fn with_details<R: FromBytes>(refusal: StoredResponse, details: RefusalDetails) -> HttpResponse<R> {
    let mut response = from_stored(refusal);
    response.extensions_mut().insert(details);
    response
}
