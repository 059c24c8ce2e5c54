//! The handler with the attribute, on the memory store.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use idem_axum::{Idempotency, MemoryStore, idempotent};

use crate::server::{NewPayment, Payment, charge};

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment(Json(payment): Json<NewPayment>) -> (StatusCode, Json<Payment>) {
    (StatusCode::CREATED, Json(charge(payment)))
}

pub(in crate::server) fn router() -> Router {
    let store = MemoryStore::with_capacity(usize::MAX, usize::MAX);
    Router::new().route("/payments", post(create_payment)).with_state(Idempotency::new(store))
}
