//! `idempotent` 2.0: its layer around the bare handler.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use idempotent_2_0::IdempotencyStore;
use idempotent_2_0::memory::MemoryStore;
use idempotent_2_0::middleware::IdempotencyLayer;
use idempotent_2_0::valkey::ValkeyStore;

use crate::payment::{NewPayment, Payment, charge};
use crate::store_url;

async fn create_payment(Json(payment): Json<NewPayment>) -> (StatusCode, Json<Payment>) {
    (StatusCode::CREATED, Json(charge(payment)))
}

fn router(store: impl IdempotencyStore + Clone) -> Router {
    Router::new().route("/payments", post(create_payment)).layer(IdempotencyLayer::new(store))
}

pub(crate) fn on_memory() -> anyhow::Result<Router> {
    Ok(router(MemoryStore::builder().try_build()?))
}

pub(crate) async fn on_redis() -> anyhow::Result<Router> {
    Ok(router(ValkeyStore::with_url(store_url()?).try_build().await?))
}
