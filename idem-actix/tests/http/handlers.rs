//! The handlers of the scenario app: one for each route in the table of `idem_testkit::http`.

use std::time::Duration;

use actix_web::http::header::{HeaderValue, IF_MATCH};
use actix_web::web::{Bytes, Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse, Responder};
use idem_actix::{Guarantee, Policy, Recovery, idempotent};
use idem_testkit::app::actix::HandlerReply;
use idem_testkit::app::{Amendment, Note, Payment, Service};

use crate::extract::{Tenant, User};

/// Defines handlers that make a payment: name, arguments of the attribute, and the status if it has no body.
macro_rules! payments {
    ($($name:ident: $($arg:ident $(= $value:tt)?),+ $(=> $status:tt)?;)+) => {$(
        #[idempotent(scope = "tenant", $($arg $(= $value)?),+)]
        pub(crate) async fn $name(
            service: Data<Service>,
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
    service: Data<Service>,
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
    service: Data<Service>,
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
    service: Data<Service>,
    Tenant(tenant): Tenant,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.act(payment).await)
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
