//! The handlers of the scenario app: one for each row of the table in `idem_testkit::http::app`.

use actix_web::http::header::{HeaderValue, IF_MATCH};
use actix_web::web::{Bytes, Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse, Responder};
use idem_actix::idempotent;
use idem_testkit::http::app::{Label, Order, Payments};

use crate::extract::{Tenant, User};
use crate::respond::HandlerReply;

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn create(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn amend(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    id: Path<String>,
    request: HttpRequest,
    Json(order): Json<Order>,
) -> HandlerReply {
    let if_match = request.headers().get(IF_MATCH).map(HeaderValue::as_bytes);
    HandlerReply(payments.amend(&id, if_match, order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", optional)]
pub(crate) async fn note(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "user")]
pub(crate) async fn user_payment(
    payments: Data<Payments>,
    User(user): User,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "raw")]
pub(crate) async fn raw(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
    body: Bytes,
) -> HandlerReply {
    HandlerReply(payments.echo(&label, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn json_any(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
    body: Bytes,
) -> HandlerReply {
    HandlerReply(payments.echo(&label, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn empty(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await.only(204))
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn see_other(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await.only(303))
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn accepted(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await.only(202))
}

#[idempotent(ttl = "1h", scope = "tenant")]
pub(crate) async fn short(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "30s")]
pub(crate) async fn wait(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "100ms")]
pub(crate) async fn wait_briefly(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", guarantee = "at-least-once")]
pub(crate) async fn release(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms")]
pub(crate) async fn hold(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms", guarantee = "at-least-once")]
pub(crate) async fn takeover(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", syntax = "strict")]
pub(crate) async fn strict(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", max_run = "200ms", lease = "100ms")]
pub(crate) async fn max_run(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", key = "order.note")]
pub(crate) async fn by_note(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "order.amount")]
pub(crate) async fn by_amount(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> HandlerReply {
    HandlerReply(payments.pay(order).await)
}

/// The handler does not take the body.
#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn touch(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
) -> HandlerReply {
    HandlerReply(payments.touch(&label).await)
}

#[idempotent(ttl = "24h", scope = "global")]
pub(crate) async fn nothing() -> impl Responder {
    HttpResponse::NoContent()
}
