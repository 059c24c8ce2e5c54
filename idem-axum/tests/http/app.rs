//! The scenario app on axum: its server and its routes.

#[path = "listen.rs"]
mod listen;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, patch, post};
use idem_axum::{Idempotency, Operation, status_by_key};
use idem_testkit::app::{MAX_REQUEST, Service};
use idem_testkit::http::Listening;
use tower_http::timeout::TimeoutLayer;

use crate::extract::Tenant;
use crate::handlers::{
    accepted, acted, amend, by_amount, by_note, create, empty, hold, json_any, max_run, note,
    note_scope, nothing, raw, recent, recover, release, releases, see_other, short, strict,
    takeover, touch, user_payment, uuid, wait, wait_briefly,
};

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    service: Service,
}

pub(crate) async fn start(idempotency: Idempotency, service: Service) -> Listening {
    listen::serve(router(App { idempotency, service })).await
}

fn router(app: App) -> Router {
    let version = Router::new().route("/payments", post(create));
    let shop = Router::new().route("/payments", post(create));
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(50));
    let status = status_by_key::<Tenant>(Operation::route("POST", "/payments"));
    Router::new()
        .route("/health", idem_axum::health(app.idempotency.clone()))
        .route("/payments", post(create))
        .route("/refunds", post(create))
        .route("/accounts/{account}/payments", post(create))
        .nest("/api/v1", version.clone())
        .nest("/api/v2", version)
        .nest("/shops/{shop}", shop)
        .route("/payments/by-key/{key}", get(status))
        .route("/payments/{id}", patch(amend))
        .route("/notes", post(note))
        .route("/user-payments", post(user_payment))
        .route("/note-scope", post(note_scope))
        .route("/raw", post(raw))
        .route("/json-any", post(json_any))
        .route("/empty", post(empty))
        .route("/see-other", post(see_other))
        .route("/accepted", post(accepted))
        .route("/short", post(short))
        .route("/wait", post(wait))
        .route("/wait-briefly", post(wait_briefly))
        .route("/release", post(release))
        .route("/hold", post(hold))
        .route("/takeover", post(takeover))
        .route("/recover", post(recover))
        .route("/acted", post(acted))
        .route("/releases", post(releases))
        .route("/strict", post(strict))
        .route("/uuid", post(uuid))
        .route("/recent", post(recent))
        .route("/timeout", post(create).layer(timeout))
        .route("/max-run", post(max_run))
        .route("/by-note", post(by_note))
        .route("/by-amount", post(by_amount))
        .route("/any", any(touch))
        .route("/nothing", post(nothing))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .layer(from_fn_with_state(app.service.clone(), listen::present))
        .with_state(app)
}
