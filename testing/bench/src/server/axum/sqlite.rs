//! The annotated handler on SQLite.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use idem_axum::{Idempotency, SqliteStore, idempotent};

use crate::server::{NewPayment, Payment, charge, store_url};

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment(Json(payment): Json<NewPayment>) -> (StatusCode, Json<Payment>) {
    (StatusCode::CREATED, Json(charge(payment)))
}

pub(in crate::server) async fn annotated() -> anyhow::Result<Router> {
    let store = SqliteStore::open(store_url()?).await?;
    Ok(Router::new().route("/payments", post(create_payment)).with_state(Idempotency::new(store)))
}
