//! The plain function of a handler, for unit tests and other handlers.

#![deny(warnings)]

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use idem_axum::{Idempotency, MemoryStore, idempotent};

/// Creates a payment.
#[idempotent(ttl = "24h", scope = "global")]
#[tracing::instrument(skip_all)]
async fn create(State(_): State<Idempotency>, Json(amount): Json<u64>) -> (StatusCode, Json<u64>) {
    (StatusCode::CREATED, Json(amount))
}

#[idempotent(ttl = "24h", scope = "global")]
#[axum::debug_handler(state = Idempotency)]
async fn checked(Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

// The expectation is met once.
#[idempotent(ttl = "24h", scope = "global")]
#[expect(unused_variables)]
async fn expected(Json(amount): Json<u64>) {}

#[idempotent(ttl = "24h", scope = "global")]
async fn r#type(Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

/// One module for each handler, which is re-exported under its name.
mod refund {
    use axum::Json;
    use idem_axum::idempotent;

    #[idempotent(ttl = "24h", scope = "global")]
    pub(crate) async fn refund(Json(amount): Json<u64>) -> Json<u64> {
        Json(amount)
    }
}
use refund::{refund, refund_unguarded};

struct Api;

impl Api {
    #[idempotent(ttl = "24h", scope = "global")]
    async fn create(Json(amount): Json<u64>) -> Json<u64> {
        Json(amount)
    }
}

async fn called() -> u64 {
    let idempotency = Idempotency::new(MemoryStore::new());
    let (status, Json(amount)) = create_unguarded(State(idempotency), Json(1)).await;
    expected_unguarded(Json(u64::from(status.as_u16()))).await;
    let others = [
        checked_unguarded(Json(2)).await,
        type_unguarded(Json(3)).await,
        refund_unguarded(Json(4)).await,
        Api::create_unguarded(Json(5)).await,
    ];
    others.iter().map(|Json(amount)| amount).sum::<u64>() + amount
}

#[test]
fn builds() {
    let _: Router = Router::new()
        .route("/1", post(create))
        .route("/2", post(checked))
        .route("/3", post(expected))
        .route("/4", post(r#type))
        .route("/5", post(refund))
        .route("/6", post(Api::create))
        .with_state(Idempotency::new(MemoryStore::new()));
    drop(called());
}
