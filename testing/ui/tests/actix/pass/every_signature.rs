#![deny(warnings)]

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{App, Either, FromRequest, HttpRequest, HttpResponse, Responder, web};
use idem_actix::{Declared, Outcome, ScopeParts, ScopeValue, idempotent};

const POLICY: u16 = 201;

struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

impl FromRequest for Tenant {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self("acme".to_owned())))
    }
}

#[derive(Debug)]
struct Broke;

impl std::fmt::Display for Broke {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no money")
    }
}

impl actix_web::ResponseError for Broke {
    fn status_code(&self) -> StatusCode {
        StatusCode::PAYMENT_REQUIRED
    }
}

#[derive(serde::Deserialize)]
struct NewPayment {
    id: String,
    amount: u64,
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn head_only(tenant: Tenant) -> HttpResponse {
    drop(tenant);
    HttpResponse::new(StatusCode::from_u16(POLICY).unwrap_or_default())
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn whole_request(tenant: Tenant, request: HttpRequest, body: web::Payload) -> impl Responder {
    drop((tenant, request, body));
    Declared(Outcome::NotExecuted, "nothing done")
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn optional_body(mut tenant: Tenant, payment: Option<web::Json<NewPayment>>) -> Result<(), Broke> {
    tenant.0.push('!');
    drop(payment);
    Err(Broke)
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn either(
    tenant: Tenant,
    body: Either<web::Json<NewPayment>, web::Form<NewPayment>>,
) -> Either<HttpResponse, Result<&'static str, Broke>> {
    drop((tenant, body));
    Either::Right(Ok("paid"))
}

#[idempotent(ttl = "24h", scope = "tenant, format!(\"{currency}\")")]
async fn patterns(
    Tenant(tenant): Tenant,
    web::Query((currency, _)): web::Query<(String, u8)>,
    web::Json(NewPayment { ref id, mut amount }): web::Json<NewPayment>,
) -> String {
    amount += 1;
    format!("{tenant} {currency} {id} {amount}")
}

// A worker is one thread, so nothing has to be `Send`.
#[idempotent(ttl = "24h", scope = "tenant")]
async fn not_send(tenant: Tenant, content_type: web::Header<ContentType>) -> impl Responder {
    let shared = Rc::new(tenant.0);
    ready(()).await;
    drop(content_type);
    shared.to_string()
}

// Names that the expansion uses, without their underscores.
#[idempotent(ttl = "24h", scope = "call, scope")]
async fn names(call: Tenant, scope: Tenant, arg0: Tenant, policy: Tenant) -> &'static str {
    drop((call, scope, arg0, policy));
    "paid"
}

#[idempotent(ttl = "24h", scope = "p")]
#[allow(clippy::too_many_arguments)]
async fn sixteen(
    _a: HttpRequest, _b: HttpRequest, _c: HttpRequest, _d: web::Data<u8>, _e: HttpRequest, _f: HttpRequest,
    _g: HttpRequest, _h: HttpRequest, _i: HttpRequest, _j: HttpRequest, _k: HttpRequest, _l: HttpRequest,
    _m: HttpRequest, _n: HttpRequest, p: Tenant, _q: web::Json<u64>,
) -> &'static str {
    drop(p);
    "paid"
}

#[idempotent(ttl = "24h", scope = "tenant")]
#[tracing::instrument(skip_all)]
async fn instrumented_below(tenant: Tenant, amount: web::Json<u64>) -> String {
    format!("{} {amount}", tenant.0)
}

#[tracing::instrument(skip_all)]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn instrumented_above(tenant: Tenant, amount: web::Json<u64>) -> String {
    format!("{} {amount}", tenant.0)
}

struct Api;

impl Api {
    #[idempotent(ttl = "24h", scope = "tenant")]
    async fn create(tenant: Tenant) -> String {
        tenant.0
    }
}

macro_rules! handler {
    ($name:ident, $ttl:literal, $tenant:ty) => {
        #[idempotent(ttl = $ttl, scope = "tenant")]
        async fn $name(tenant: $tenant) -> String {
            tenant.0
        }
    };
}
handler!(made_by_a_macro, "1h", Tenant);

#[idempotent(ttl = "24h", scope = "tenant")]
#[expect(dead_code)]
async fn unused(tenant: Tenant) -> String {
    tenant.0
}

#[test]
fn builds() {
    let _ = App::new()
        .route("/1", web::post().to(head_only))
        .route("/2", web::post().to(whole_request))
        .route("/3", web::post().to(optional_body))
        .route("/4", web::post().to(either))
        .route("/5", web::post().to(patterns))
        .route("/6", web::post().to(not_send))
        .route("/7", web::post().to(names))
        .route("/8", web::post().to(sixteen))
        .route("/9", web::post().to(instrumented_below))
        .route("/10", web::post().to(instrumented_above))
        .route("/11", web::post().to(Api::create))
        .route("/12", web::post().to(made_by_a_macro));
}
