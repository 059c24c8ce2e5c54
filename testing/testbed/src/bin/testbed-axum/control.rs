//! The control endpoints.

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use idem_axum::Idempotency;
use idem_testkit::app::Note;
use idem_testkit::app::axum::HandlerReply;
use testbed::control::{Advance, Behaviour, Control};

use crate::App;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/_test/effects", get(effects))
        .route("/_test/store", post(store))
        .route("/_test/clock", post(clock))
        .route("/_test/gate", post(gate))
        .route("/_test/logs", get(logs))
        .route("/_test/health", get(health))
        .route("/metrics", get(metrics))
}

async fn effects(State(control): State<Control>, Query(note): Query<Note>) -> HandlerReply {
    HandlerReply(control.effects(&note).await)
}

async fn store(State(control): State<Control>, Json(behaviour): Json<Behaviour>) -> HandlerReply {
    HandlerReply(control.store(behaviour))
}

async fn clock(State(control): State<Control>, Json(advance): Json<Advance>) -> HandlerReply {
    HandlerReply(control.advance(advance))
}

async fn gate(State(control): State<Control>, Json(note): Json<Note>) -> HandlerReply {
    HandlerReply(control.open_gate(&note))
}

async fn logs(State(control): State<Control>) -> HandlerReply {
    HandlerReply(control.logs())
}

async fn metrics(
    State(control): State<Control>,
    State(idempotency): State<Idempotency>,
) -> HandlerReply {
    HandlerReply(control.exporter.render(&idempotency).await)
}

async fn health(State(control): State<Control>) -> HandlerReply {
    HandlerReply(control.health())
}
