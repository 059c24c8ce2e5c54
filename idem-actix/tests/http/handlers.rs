//! The handlers of the scenario app: one for each route in the table of `idem_testkit::http`.

use actix_web::http::header::{HeaderValue, IF_MATCH};
use actix_web::web::{Bytes, Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse, Responder};
use idem_actix::idempotent;
use idem_testkit::app::actix::HandlerReply;
use idem_testkit::app::{Amendment, Note, Payment, Service};

use crate::extract::{Tenant, User};

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn create(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn amend(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    id: Path<String>,
    request: HttpRequest,
    Json(change): Json<Amendment>,
) -> HandlerReply {
    let if_match = request.headers().get_all(IF_MATCH).map(HeaderValue::as_bytes).collect();
    HandlerReply(service.amend(&id, &if_match, change).await)
}

#[idempotent(ttl = "24h", scope = "tenant", optional)]
pub(crate) async fn note(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "user")]
pub(crate) async fn user_payment(
    service: Data<Service>,
    User(user): User,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "payment.note")]
pub(crate) async fn note_scope(
    service: Data<Service>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "raw")]
pub(crate) async fn raw(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Query(note): Query<Note>,
    body: Bytes,
) -> HandlerReply {
    HandlerReply(service.echo(&note, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn json_any(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Query(note): Query<Note>,
    body: Bytes,
) -> HandlerReply {
    HandlerReply(service.echo(&note, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn empty(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await.only(204))
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn see_other(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await.only(303))
}

#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn accepted(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await.only(202))
}

#[idempotent(ttl = "1h", scope = "tenant")]
pub(crate) async fn short(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "30s")]
pub(crate) async fn wait(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "100ms")]
pub(crate) async fn wait_briefly(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", guarantee = "at-least-once")]
pub(crate) async fn release(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms")]
pub(crate) async fn hold(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms", guarantee = "at-least-once")]
pub(crate) async fn takeover(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", syntax = "strict")]
pub(crate) async fn strict(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", max_run = "200ms", lease = "100ms")]
pub(crate) async fn max_run(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", key = "payment.note")]
pub(crate) async fn by_note(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "payment.amount")]
pub(crate) async fn by_amount(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

/// The handler does not take the body.
#[idempotent(ttl = "24h", scope = "tenant")]
pub(crate) async fn touch(
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Query(note): Query<Note>,
) -> HandlerReply {
    HandlerReply(service.take(&note).await.only(204))
}

#[idempotent(ttl = "24h", scope = "global")]
pub(crate) async fn nothing() -> impl Responder {
    HttpResponse::NoContent()
}
