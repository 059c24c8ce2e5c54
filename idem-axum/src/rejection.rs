//! Refusals as responses. The response does not contain the error's source.

use axum::response::Response;
use idem_core::{Idempotency, Policy, Refusal};

use crate::request::Operation;
use crate::response::from_stored;

/// The response to a call that the engine refused.
pub(crate) fn into_response(idempotency: &Idempotency, refusal: &Refusal) -> Response {
    from_stored(idempotency.problem(refusal))
}

/// The response to a request that was refused before it became a call of the engine.
pub(crate) fn refuse(
    idempotency: &Idempotency,
    policy: &Policy,
    operation: &Operation,
    refusal: &Refusal,
) -> Response {
    from_stored(idempotency.refuse(policy, &operation.words(), refusal))
}
