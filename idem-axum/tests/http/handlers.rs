//! The handlers of the scenario app: one for each route in the table of `idem_testkit::http`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use idem_axum::idempotent;
use idem_testkit::app::axum::HandlerReply;
use idem_testkit::app::{Amendment, Note, Payment, Service};

use crate::extract::{Tenant, User};

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn create(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
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

#[idempotent(ttl = "24h", scope = "tenant", optional)]
pub(crate) async fn note(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
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

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn empty(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await.only(204))
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn see_other(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await.only(303))
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn accepted(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await.only(202))
}

#[idempotent(ttl = "1h", scope = "tenant")]
pub(crate) async fn short(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "30s")]
pub(crate) async fn wait(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "100ms")]
pub(crate) async fn wait_briefly(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", guarantee = "at-least-once")]
pub(crate) async fn release(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms")]
pub(crate) async fn hold(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms", guarantee = "at-least-once")]
pub(crate) async fn takeover(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", syntax = "strict")]
pub(crate) async fn strict(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", max_run = "200ms", lease = "100ms")]
pub(crate) async fn max_run(
    State(service): State<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
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
