//! Refusals of requests that did not become a call of the engine.

use axum::response::Response;
use idem_core::{Idempotency, Policy, Refusal};
use idem_tower::__private as shared;

use crate::request::Operation;

pub(crate) fn refuse(
    idempotency: &Idempotency,
    policy: &Policy,
    operation: &Operation,
    refusal: &Refusal,
) -> Response {
    shared::refuse(idempotency, policy, &operation.words(), refusal)
}
