#![deny(warnings)]

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{App, FromRequest, HttpRequest, HttpResponse, Responder, post, web};
use idem_actix::{Execution, Recovery, idempotent};

struct Provider;

impl Provider {
    async fn find(&self, tenant: &str, key: &str) -> Option<u64> {
        tenant.contains(key).then_some(1)
    }
}

// A worker is one thread, so nothing has to be `Send`.
struct Tenant(Rc<str>);

impl FromRequest for Tenant {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self("acme".into())))
    }
}

#[derive(serde::Deserialize)]
struct NewPayment {
    order: String,
    amount: u64,
}

async fn find_charge(provider: &Provider, tenant: &Tenant) -> Recovery<web::Json<u64>> {
    let tenant = Rc::clone(&tenant.0);
    let key = Execution::current().downstream_key("charge");
    match provider.find(&tenant, key.as_str()).await {
        Some(charge) => Recovery::Happened(web::Json(charge)),
        None => Recovery::NotHappened,
    }
}

#[idempotent(
    ttl = "24h",
    hold = "90d",
    scope = "&*tenant.0",
    recover = "find_charge(provider, tenant)",
    settle = "0s",
    label = "payment.order"
)]
async fn create(
    provider: web::Data<Provider>,
    tenant: Tenant,
    web::Json(payment): web::Json<NewPayment>,
) -> actix_web::Result<impl Responder> {
    let valid_for = Execution::current().confirm().await;
    drop((provider, tenant, valid_for));
    Ok(HttpResponse::Created().json(payment.amount))
}

// A parameter that only the attribute uses.
#[rustfmt::skip]
#[post("/")]
#[idempotent(ttl = "24h", scope = "global", recover = "find_charge(provider, tenant)")]
async fn recover_only(provider: web::Data<Provider>, tenant: Tenant) -> &'static str { "done" }

#[test]
fn builds() {
    let _ = App::new().route("/payments", web::post().to(create)).service(recover_only);
}
