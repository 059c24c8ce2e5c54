//! The control endpoints.

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use testbed::control::{Advance, Behaviour, Control};
use testbed::payment::Note;

use crate::App;
use crate::respond::Replied;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/_test/effects", get(effects))
        .route("/_test/store", post(store))
        .route("/_test/clock", post(clock))
        .route("/_test/gate", post(gate))
        .route("/_test/logs", get(logs))
        .route("/_test/health", get(health))
}

async fn effects(State(control): State<Control>, Query(note): Query<Note>) -> Replied {
    Replied(control.effects(&note).await)
}

async fn store(State(control): State<Control>, Json(behaviour): Json<Behaviour>) -> Replied {
    Replied(control.store(behaviour))
}

async fn clock(State(control): State<Control>, Json(advance): Json<Advance>) -> Replied {
    Replied(control.advance(advance))
}

async fn gate(State(control): State<Control>, Json(note): Json<Note>) -> Replied {
    Replied(control.open_gate(&note))
}

async fn logs(State(control): State<Control>) -> Replied {
    Replied(control.logs())
}

async fn health(State(control): State<Control>) -> Replied {
    Replied(control.health())
}
