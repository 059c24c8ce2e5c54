//! The handler without idempotency.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};

use crate::server::{NewPayment, Payment, charge};

async fn create_payment(Json(payment): Json<NewPayment>) -> (StatusCode, Json<Payment>) {
    (StatusCode::CREATED, Json(charge(payment)))
}

pub(in crate::server) fn router() -> Router {
    Router::new().route("/payments", post(create_payment))
}
