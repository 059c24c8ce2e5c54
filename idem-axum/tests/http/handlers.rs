//! The handlers of the scenario app: one for each route in the table of `idem_testkit::http`.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use idem_axum::{Guarantee, Policy, Recovery, idempotent};
use idem_testkit::app::axum::HandlerReply;
use idem_testkit::app::{Amendment, Note, Payment, Service};

use crate::extract::{Tenant, User};

/// Defines handlers that make a payment: name, arguments of the attribute, and the status if it has no body.
macro_rules! payments {
    ($($name:ident: $($arg:ident $(= $value:tt)?),+ $(=> $status:tt)?;)+) => {$(
        #[idempotent(scope = "tenant", $($arg $(= $value)?),+)]
        pub(crate) async fn $name(
            State(service): State<Service>,
            Tenant(tenant): Tenant,
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
    short: ttl = "1h";
    wait: ttl = "24h", wait = "30s";
    wait_briefly: ttl = "24h", wait = "100ms";
    release: ttl = "24h", guarantee = "at-least-once";
    hold: ttl = "24h", lease = "12s";
    takeover: ttl = "24h", lease = "12s", guarantee = "at-least-once";
    strict: ttl = "24h", syntax = "strict";
    uuid: ttl = "24h", format = "uuid", optional;
    recent: ttl = "24h", format = "uuidv7", max_age = "24h";
    max_run: ttl = "24h", max_run = "1s", lease = "1s";
}

#[idempotent(
    ttl = "24h",
    scope = "tenant",
    settle = "1h",
    recover = "find_charge(service, payment)"
)]
pub(crate) async fn recover(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.charge(payment).await)
}

async fn find_charge(service: &Service, payment: &Payment) -> Recovery<HandlerReply> {
    service.find_charge(payment).await.map(HandlerReply)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn acted(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.act(payment).await)
}

/// Validates the request itself.
const VALIDATING: Policy = Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce)
    .with_releases(&[400, 422]);

#[idempotent(policy = "VALIDATING", scope = "tenant")]
pub(crate) async fn releases(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.act(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn amend(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(change): Json<Amendment>,
) -> HandlerReply {
    let if_match = headers.get_all(IF_MATCH).iter().map(HeaderValue::as_bytes).collect();
    HandlerReply(service.amend(&id, &if_match, change).await)
}

#[idempotent(ttl = "24h", scope = "user")]
pub(crate) async fn user_payment(
    State(service): State<Service>,
    User(user): User,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "payment.note")]
pub(crate) async fn note_scope(
    State(service): State<Service>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "raw")]
pub(crate) async fn raw(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Query(note): Query<Note>,
    body: Bytes,
) -> HandlerReply {
    HandlerReply(service.echo(&note, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn json_any(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Query(note): Query<Note>,
    body: Bytes,
) -> HandlerReply {
    HandlerReply(service.echo(&note, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant", key = "payment.note")]
pub(crate) async fn by_note(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "payment.amount")]
pub(crate) async fn by_amount(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

/// The last parameter does not take the body.
#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn touch(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Query(note): Query<Note>,
) -> HandlerReply {
    HandlerReply(service.take(&note).await.only(204))
}

#[idempotent(ttl = "24h", scope = "global")]
pub(crate) async fn nothing() -> StatusCode {
    StatusCode::NO_CONTENT
}
