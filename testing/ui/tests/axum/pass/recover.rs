#![deny(warnings)]

use std::cell::Cell;
use std::convert::Infallible;

use axum::extract::{FromRef, FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Extension, Json, Router};
use idem_axum::{Execution, Idempotency, LeaseLost, MemoryStore, Recovery, idempotent};

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    provider: Provider,
}

#[derive(Clone)]
struct Provider;

impl Provider {
    async fn find(&self, tenant: &str, key: &str) -> Option<u64> {
        tenant.contains(key).then_some(1)
    }
}

/// `Send`, but not `Sync`.
struct Attempts(Cell<u8>);

impl<S: Sync> FromRequestParts<S> for Attempts {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Cell::new(0)))
    }
}

#[derive(serde::Deserialize)]
struct NewPayment {
    order: String,
    amount: u64,
}

async fn find_charge(app: &App, tenant: &str) -> Recovery<(StatusCode, Json<u64>)> {
    let key = Execution::current().downstream_key("charge");
    match app.provider.find(tenant, key.as_str()).await {
        Some(charge) => Recovery::Happened((StatusCode::CREATED, Json(charge))),
        None => Recovery::NotHappened,
    }
}

// Another type than that of the handler.
async fn find_text(amount: u64) -> Recovery<String> {
    match Execution::current().recovering() {
        Some(lost) => Recovery::Disputed(format!("{} {amount}", lost.reason())),
        None => Recovery::Inconclusive,
    }
}

// The expression does not name `attempts`, so that need not be `Sync`.
#[idempotent(
    ttl = "24h",
    hold = "90d",
    scope = "tenant",
    recover = "find_charge(app, tenant)",
    settle = "0s",
    label = "payment.order"
)]
async fn create(
    State(app): State<App>,
    Extension(tenant): Extension<String>,
    attempts: Attempts,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<u64>), StatusCode> {
    attempts.0.set(1);
    let lost = |_: LeaseLost| StatusCode::CONFLICT;
    let valid_for = Execution::current().confirm().await.map_err(lost)?;
    drop((app, tenant, valid_for));
    Ok((StatusCode::CREATED, Json(payment.amount)))
}

// The last parameter, moved by the pattern and changed by the handler.
#[idempotent(ttl = "24h", scope = "global", recover = "find_text(*amount)", label = "amount")]
async fn last(Json(NewPayment { mut amount, .. }): Json<NewPayment>) -> impl IntoResponse {
    amount += 1;
    amount.to_string()
}

// A parameter that only the attribute uses.
#[rustfmt::skip]
#[idempotent(ttl = "24h", scope = "global", recover = "async { find_text(u64::from(*tenant)).await }")]
async fn recover_only(Path(tenant): Path<u8>) -> &'static str { "done" }

#[idempotent(ttl = "24h", scope = "global", optional, recover = "find_charge(app, tenant)")]
#[axum::debug_handler(state = App)]
async fn debug_below(State(app): State<App>, tenant: String) -> StatusCode {
    drop((app, tenant));
    StatusCode::OK
}

#[test]
fn builds() {
    let app = App { idempotency: Idempotency::new(MemoryStore::new()), provider: Provider };
    let _: Router = Router::new()
        .route("/{tenant}/payments", post(create))
        .route("/last", post(last))
        .route("/{tenant}", post(recover_only))
        .route("/debug", post(debug_below))
        .with_state(app);
}
