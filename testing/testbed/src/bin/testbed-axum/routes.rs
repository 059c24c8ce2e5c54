//! The routes of payments.

use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::header::{HeaderValue, IF_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, patch, post, put};
use axum::{Extension, Json, Router};
use bytes::Bytes;
use idem_axum::{Operation, Recovery, Tx, idempotent, status_by_key};
use idem_testkit::app::axum::HandlerReply;
use idem_testkit::app::{Amendment, Caller, NewLabel, Note, Payment, Service};
use testbed::control::Control;
use testbed::{TIMEOUT, policies};
use tower_http::timeout::TimeoutLayer;

use crate::App;
use crate::extract::{AnyJson, Tenant};
use crate::guard::Guard;

pub(crate) fn routes(guard: &Guard, has_transactions: bool) -> Router<App> {
    let create = || guard.tenant(post(create), post(create_unguarded), &policies::CREATE);
    let timeout = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIMEOUT);
    let status = status_by_key::<Tenant>(Operation::route("POST", "/payments"));
    let amend = guard.tenant(patch(amend), patch(amend_unguarded), &policies::CREATE);
    Router::new()
        .route("/payments", create().get(list))
        .route("/refunds", create())
        .route("/accounts/{acct}/payments", create())
        .route("/payments/by-key/{key}", get(status))
        .route("/payments/{id}", amend.get(show))
        .route("/payments/{id}/label", put(label))
        .route("/timeout", create().layer(timeout))
        .merge(with_settings(guard))
        .merge(with_expressions(guard, has_transactions))
}

/// The routes with settings or responses of their own.
fn with_settings(guard: &Guard) -> Router<App> {
    macro_rules! tenant {
        ($handler:ident, $plain:ident, $policy:ident) => {
            guard.tenant(post($handler), post($plain), &policies::$policy)
        };
    }
    let user = guard.user(post(user_payment), post(user_payment_unguarded), &policies::CREATE);
    Router::new()
        .route("/notes", tenant!(note, note_unguarded, NOTE))
        .route("/user-payments", user)
        .route("/raw", tenant!(raw, raw_unguarded, RAW))
        .route("/json-any", tenant!(json_any, json_any_unguarded, CREATE))
        .route("/empty", tenant!(empty, empty_unguarded, CREATE))
        .route("/see-other", tenant!(see_other, see_other_unguarded, CREATE))
        .route("/accepted", tenant!(accepted, accepted_unguarded, CREATE))
        .route("/short", tenant!(short, short_unguarded, SHORT))
        .route("/wait", tenant!(wait, wait_unguarded, WAIT))
        .route("/patient", tenant!(patient, patient_unguarded, PATIENT))
        .route("/release", tenant!(release, release_unguarded, RELEASE))
        .route("/hold", tenant!(hold, hold_unguarded, HOLD))
        .route("/takeover", tenant!(takeover, takeover_unguarded, TAKEOVER))
        .route("/acted", tenant!(acted, acted_unguarded, CREATE))
        .route("/validated", tenant!(validated, validated_unguarded, VALIDATED))
        .route("/multipart", tenant!(multipart, multipart_unguarded, CREATE))
        .route("/stream", tenant!(stream, stream_unguarded, CREATE))
        .route("/max-run", tenant!(max_run, max_run_unguarded, MAX_RUN))
        .route("/strict", tenant!(strict, strict_unguarded, STRICT))
}

/// The routes that only the attribute can guard.
fn with_expressions(guard: &Guard, has_transactions: bool) -> Router<App> {
    let mut routes = Router::new();
    if guard.has_expressions() {
        routes = routes.route("/recover", post(recover));
        if has_transactions {
            routes = routes.route("/tx-payments", post(tx_payment));
        }
    }
    routes
}

/// Defines handlers that make a payment: name, arguments of the attribute, and the status if it has no body.
macro_rules! payments {
    ($($name:ident: $($arg:ident $(= $value:tt)?),+ $(=> $status:tt)?;)+) => {$(
        #[idempotent(scope = "caller.tenant", $($arg $(= $value)?),+)]
        async fn $name(
            State(service): State<Service>,
            Extension(caller): Extension<Caller>,
            Json(payment): Json<Payment>,
        ) -> HandlerReply {
            HandlerReply(service.pay(payment).await$(.only($status))?)
        }
    )+};
}

payments! {
    create: ttl = "24h";
    note: ttl = "24h", optional;
    empty: ttl = "24h" => 204;
    see_other: ttl = "24h" => 303;
    accepted: ttl = "24h" => 202;
    short: ttl = "2s", lease = "1s";
    wait: ttl = "24h", wait = "3s";
    patient: ttl = "24h", wait = "60s";
    release: ttl = "24h", guarantee = "at-least-once";
    hold: ttl = "24h", lease = "1s";
    max_run: ttl = "24h", lease = "1s", max_run = "2s";
    strict: ttl = "24h", syntax = "strict";
}

/// Its runs take a downstream key, which is the same in every attempt. Under at least once, that does not hold the key.
#[idempotent(ttl = "24h", scope = "caller.tenant", lease = "1s", guarantee = "at-least-once")]
async fn takeover(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.charge(payment).await)
}

#[idempotent(
    ttl = "1h",
    scope = "caller.tenant",
    lease = "1s",
    settle = "1s",
    hold = "1h",
    recover = "find_charge(service, payment)"
)]
async fn recover(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.charge(payment).await)
}

async fn find_charge(service: &Service, payment: &Payment) -> Recovery<HandlerReply> {
    service.find_charge(payment).await.map(HandlerReply)
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn acted(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.act(payment).await)
}

#[idempotent(policy = "testbed::VALIDATING", scope = "caller.tenant")]
async fn validated(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.validate(payment).await)
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn multipart(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    mut form: Multipart,
) -> Result<HandlerReply, MultipartError> {
    let (mut note, mut size) = (String::new(), 0);
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("note") => note = field.text().await?,
            Some("file") => size = field.bytes().await?.len(),
            _ => {}
        }
    }
    Ok(HandlerReply(service.upload(&Note { note }, size).await))
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn stream(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.events(payment).await)
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn amend(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(change): Json<Amendment>,
) -> HandlerReply {
    let if_match = headers.get_all(IF_MATCH).iter().map(HeaderValue::as_bytes).collect();
    HandlerReply(service.amend(&id, &if_match, change).await)
}

#[idempotent(ttl = "24h", scope = "caller.user")]
async fn user_payment(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "caller.tenant", fingerprint = "raw")]
async fn raw(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Query(note): Query<Note>,
    body: Bytes,
) -> HandlerReply {
    HandlerReply(service.echo(&note, body).await)
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn json_any(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Query(note): Query<Note>,
    _body: AnyJson,
) -> HandlerReply {
    HandlerReply(service.take(&note).await)
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn tx_payment(
    mut tx: Tx,
    State(service): State<Service>,
    State(control): State<Control>,
    Extension(caller): Extension<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay_with(payment, &mut control.ledger.effects_in(&mut tx)).await)
}

async fn label(
    State(service): State<Service>,
    Path(id): Path<String>,
    Json(label): Json<NewLabel>,
) -> HandlerReply {
    HandlerReply(service.label(&id, &label).await)
}

async fn show(State(service): State<Service>, Path(id): Path<String>) -> HandlerReply {
    HandlerReply(service.show(&id).await)
}

async fn list(State(service): State<Service>) -> HandlerReply {
    HandlerReply(service.list())
}
