//! The routes of payments.

use actix_multipart::{Multipart, MultipartError};
use actix_web::HttpRequest;
use actix_web::http::header::{HeaderValue, IF_MATCH};
use actix_web::web::{
    Bytes, Data, Json, Path, Query, ReqData, ServiceConfig, get, head, patch, post, put, resource,
};
use futures_util::TryStreamExt;
use idem_actix::{Operation, Recovery, Tx, idempotent, status_by_key};
use idem_testkit::app::actix::HandlerReply;
use idem_testkit::app::{Amendment, Caller, NewLabel, Note, Payment, Service};
use testbed::control::Control;
use testbed::policies;

use crate::extract::{AnyJson, Tenant};
use crate::guard::Guard;

/// A route in both forms: the annotated handler, and the plain one with its policy.
macro_rules! forms {
    ($method:ident, $handler:ident, $plain:ident, $policy:ident) => {
        ($method().to($handler), $method().to($plain), &policies::$policy)
    };
}

pub(crate) fn routes(app: &mut ServiceConfig, guard: &Guard, has_transactions: bool) {
    let create = || forms!(post, create, create_unguarded, CREATE);
    let list = resource("/payments").route(get().to(list)).route(head().to(list));
    guard.tenant(app, list, create());
    guard.tenant(app, resource("/refunds"), create());
    app.service(
        resource("/payments/by-key/{key}")
            .route(status_by_key::<Tenant, _>(Operation::route("POST", "/payments"))),
    );
    guard.tenant(app, resource("/accounts/{acct}/payments"), create());
    let show = resource("/payments/{id}").route(get().to(show)).route(head().to(show));
    guard.tenant(app, show, forms!(patch, amend, amend_unguarded, CREATE));
    app.service(resource("/payments/{id}/label").route(put().to(label)));
    guard.bounded(app, resource("/timeout"), create());
    with_settings(app, guard);
    if guard.has_expressions() {
        app.service(resource("/recover").route(post().to(recover)));
        if has_transactions {
            app.service(resource("/tx-payments").route(post().to(tx_payment)));
        }
    }
}

/// The routes with settings or responses of their own.
fn with_settings(app: &mut ServiceConfig, guard: &Guard) {
    macro_rules! tenant {
        ($path:literal, $handler:ident, $plain:ident, $policy:ident) => {
            guard.tenant(app, resource($path), forms!(post, $handler, $plain, $policy))
        };
    }
    let user = forms!(post, user_payment, user_payment_unguarded, CREATE);
    guard.user(app, resource("/user-payments"), user);
    tenant!("/notes", note, note_unguarded, NOTE);
    tenant!("/raw", raw, raw_unguarded, RAW);
    tenant!("/json-any", json_any, json_any_unguarded, CREATE);
    tenant!("/empty", empty, empty_unguarded, CREATE);
    tenant!("/see-other", see_other, see_other_unguarded, CREATE);
    tenant!("/accepted", accepted, accepted_unguarded, CREATE);
    tenant!("/short", short, short_unguarded, SHORT);
    tenant!("/wait", wait, wait_unguarded, WAIT);
    tenant!("/patient", patient, patient_unguarded, PATIENT);
    tenant!("/release", release, release_unguarded, RELEASE);
    tenant!("/hold", hold, hold_unguarded, HOLD);
    tenant!("/takeover", takeover, takeover_unguarded, TAKEOVER);
    tenant!("/acted", acted, acted_unguarded, CREATE);
    tenant!("/validated", validated, validated_unguarded, VALIDATED);
    tenant!("/multipart", multipart, multipart_unguarded, CREATE);
    tenant!("/stream", stream, stream_unguarded, CREATE);
    tenant!("/max-run", max_run, max_run_unguarded, MAX_RUN);
    tenant!("/strict", strict, strict_unguarded, STRICT);
}

/// Defines handlers that make a payment: name, arguments of the attribute, and the status if it has no body.
macro_rules! payments {
    ($($name:ident: $($arg:ident $(= $value:tt)?),+ $(=> $status:tt)?;)+) => {$(
        #[idempotent(scope = "caller.tenant", $($arg $(= $value)?),+)]
        async fn $name(
            service: Data<Service>,
            caller: ReqData<Caller>,
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
    service: Data<Service>,
    caller: ReqData<Caller>,
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
    service: Data<Service>,
    caller: ReqData<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.charge(payment).await)
}

async fn find_charge(service: &Service, payment: &Payment) -> Recovery<HandlerReply> {
    service.find_charge(payment).await.map(HandlerReply)
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn acted(
    service: Data<Service>,
    caller: ReqData<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.act(payment).await)
}

#[idempotent(policy = "testbed::VALIDATING", scope = "caller.tenant")]
async fn validated(
    service: Data<Service>,
    caller: ReqData<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.validate(payment).await)
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn multipart(
    service: Data<Service>,
    caller: ReqData<Caller>,
    mut form: Multipart,
) -> Result<HandlerReply, MultipartError> {
    let (mut note, mut size) = (String::new(), 0);
    while let Some(mut field) = form.try_next().await? {
        let name = field.name().map(str::to_owned);
        let mut content = Vec::new();
        while let Some(part) = field.try_next().await? {
            content.extend_from_slice(&part);
        }
        match name.as_deref() {
            Some("note") => note = String::from_utf8_lossy(&content).into_owned(),
            Some("file") => size = content.len(),
            _ => {}
        }
    }
    Ok(HandlerReply(service.upload(&Note { note }, size).await))
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn stream(
    service: Data<Service>,
    caller: ReqData<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.events(payment).await)
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn amend(
    service: Data<Service>,
    caller: ReqData<Caller>,
    id: Path<String>,
    request: HttpRequest,
    Json(change): Json<Amendment>,
) -> HandlerReply {
    let if_match = request.headers().get_all(IF_MATCH).map(HeaderValue::as_bytes).collect();
    HandlerReply(service.amend(&id, &if_match, change).await)
}

#[idempotent(ttl = "24h", scope = "caller.user")]
async fn user_payment(
    service: Data<Service>,
    caller: ReqData<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "caller.tenant", fingerprint = "raw")]
async fn raw(
    service: Data<Service>,
    caller: ReqData<Caller>,
    Query(note): Query<Note>,
    body: Bytes,
) -> HandlerReply {
    HandlerReply(service.echo(&note, body).await)
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn json_any(
    service: Data<Service>,
    caller: ReqData<Caller>,
    Query(note): Query<Note>,
    _body: AnyJson,
) -> HandlerReply {
    HandlerReply(service.take(&note).await)
}

#[idempotent(ttl = "24h", scope = "caller.tenant")]
async fn tx_payment(
    mut tx: Tx,
    service: Data<Service>,
    control: Data<Control>,
    caller: ReqData<Caller>,
    Json(payment): Json<Payment>,
) -> HandlerReply {
    HandlerReply(service.pay_with(payment, &mut control.ledger.effects_in(&mut tx)).await)
}

async fn label(
    service: Data<Service>,
    id: Path<String>,
    Json(label): Json<NewLabel>,
) -> HandlerReply {
    HandlerReply(service.label(&id, &label).await)
}

async fn show(service: Data<Service>, id: Path<String>) -> HandlerReply {
    HandlerReply(service.show(&id).await)
}

async fn list(service: Data<Service>) -> HandlerReply {
    HandlerReply(service.list())
}
