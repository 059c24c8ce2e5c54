//! The handlers of the scenario app: one for each row of the table in `idem_testkit::http::app`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use idem_axum::idempotent;
use idem_testkit::http::app::{Label, Order, Payments};

use crate::extract::{Tenant, User};
use crate::respond::HandlerReply;

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn create(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn amend(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(order): Json<Order>,
) -> HandlerReply {
    let if_match = headers.get(IF_MATCH).map(HeaderValue::as_bytes);
    HandlerReply(payments.amend(&id, if_match, order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", optional)]
pub(crate) async fn note(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "user")]
pub(crate) async fn user_payment(
    State(payments): State<Payments>,
    User(user): User,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "raw")]
pub(crate) async fn raw(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
    body: Bytes,
) -> HandlerReply {
    HandlerReply(payments.echo(&label, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn json_any(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
    body: Bytes,
) -> HandlerReply {
    HandlerReply(payments.echo(&label, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn empty(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await.only(204))
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn see_other(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await.only(303))
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn accepted(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await.only(202))
}

#[idempotent(ttl = "1h", scope = "tenant")]
pub(crate) async fn short(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "30s")]
pub(crate) async fn wait(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "100ms")]
pub(crate) async fn wait_briefly(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", guarantee = "at-least-once")]
pub(crate) async fn release(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms")]
pub(crate) async fn hold(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms", guarantee = "at-least-once")]
pub(crate) async fn takeover(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", syntax = "strict")]
pub(crate) async fn strict(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", max_run = "200ms", lease = "100ms")]
pub(crate) async fn max_run(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", key = "order.note")]
pub(crate) async fn by_note(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "order.amount")]
pub(crate) async fn by_amount(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

/// The last parameter does not take the body.
#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn touch(
    State(payments): State<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
) -> HandlerReply {
    HandlerReply(payments.touch(&label).await)
}

#[idempotent(ttl = "24h", scope = "global")]
pub(crate) async fn nothing() -> StatusCode {
    StatusCode::NO_CONTENT
}
