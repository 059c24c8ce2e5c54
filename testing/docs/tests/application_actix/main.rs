//! The twin of `application_axum`: middleware, extractors, scopes and a repository behind a trait, with every handler
//! guarded.

#![allow(clippy::unwrap_used, reason = "a test")]

mod ecosystem;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorUnauthorized, ErrorUnprocessableEntity};
use actix_web::http::header::{self, ContentType};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::{Condition, DefaultHeaders, Logger, Next, NormalizePath, from_fn};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::{self, Bytes, Data, Form, Header, Json, Path, Query, ReqData};
use actix_web::{
    App, Either, Error, HttpMessage, HttpRequest, HttpResponse, Responder, guard, post,
};
use idem_actix::{
    Guarantee, Idempotency, MemoryStore, OrAnonymous, Policy, ScopeParts, ScopeValue, idempotent,
};
use serde::{Deserialize, Serialize};

const SHARED: Policy = Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce)
    .with_wait(Duration::from_secs(3))
    .with_releases(&[400, 422]);

trait Repo: 'static {
    async fn insert(&self, amount: u64) -> u64;
}

#[derive(Default)]
struct MemoryRepo(AtomicU64);

impl Repo for MemoryRepo {
    async fn insert(&self, amount: u64) -> u64 {
        amount + self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// The tenant that the middleware for authentication found.
#[derive(Clone)]
struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let token = request.headers().get(header::AUTHORIZATION);
    let tenant = token.and_then(|token| token.to_str().ok());
    let tenant = tenant.ok_or_else(|| ErrorUnauthorized("sign in first"))?.to_owned();
    request.extensions_mut().insert(Tenant(tenant));
    next.call(request).await
}

#[derive(Deserialize, Serialize)]
struct NewPayment {
    amount: u64,
}

#[derive(Deserialize)]
struct Page {
    page: Option<u32>,
}

/// Creates a payment.
#[post("/payments")]
#[idempotent(policy = "SHARED", scope = "tenant")]
#[tracing::instrument(skip_all)]
async fn create_payment(
    repo: Data<MemoryRepo>,
    tenant: ReqData<Tenant>,
    payment: Json<NewPayment>,
) -> Result<impl Responder, Error> {
    if payment.amount == 0 {
        return Err(ErrorUnprocessableEntity("nothing to pay"));
    }
    Ok((repo.insert(payment.amount).await.to_string(), StatusCode::CREATED))
}

#[idempotent(policy = "SHARED", scope = "tenant, region.as_str()")]
#[expect(clippy::too_many_arguments, reason = "every extractor of the framework")]
async fn head_extractors(
    method: Method,
    uri: Uri,
    request: HttpRequest,
    id: Path<u64>,
    page: Query<Page>,
    content_type: Header<ContentType>,
    tenant: ReqData<Tenant>,
    region: Data<String>,
    body: Bytes,
) -> String {
    let pattern = request.match_pattern();
    let parts = (page.page, content_type.0.to_string(), &**region);
    format!("{method} {uri} {pattern:?} {id} {parts:?} {} {}", tenant.0, body.len())
}

#[idempotent(policy = "SHARED", scope = "OrAnonymous(tenant.as_deref())")]
async fn login(
    tenant: Option<ReqData<Tenant>>,
    form: Either<Form<NewPayment>, Json<NewPayment>>,
) -> HttpResponse {
    let amount = match form {
        Either::Left(form) => form.amount,
        Either::Right(json) => json.amount,
    };
    let location = format!("/account/{amount}/{}", tenant.is_some());
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

#[idempotent(policy = "SHARED", scope = "tenant", key = "path.1", fingerprint = "(path.0, text)")]
async fn keyed(tenant: ReqData<Tenant>, path: Path<(u64, String)>, text: String) -> String {
    format!("{}/{}/{text}", path.0, path.1)
}

/// A handler over any repository.
#[idempotent(policy = "SHARED", scope = "tenant", ttl = "1h")]
async fn create_order<R: Repo>(
    repo: Data<R>,
    tenant: ReqData<Tenant>,
    order: Result<Json<NewPayment>, Error>,
) -> Result<String, Error> {
    Ok(repo.insert(order?.amount).await.to_string())
}

fn orders<R: Repo>(config: &mut web::ServiceConfig) {
    config.service(web::resource("/orders").route(web::post().to(create_order::<R>)));
}

#[actix_web::test]
async fn every_handler_runs_once_per_key() {
    let repo = Data::new(MemoryRepo::default());
    let accounts = web::scope("/accounts")
        .guard(guard::Post())
        .route("/{id}/notes", web::post().to(head_extractors))
        .route("/{id}/keyed/{key}", web::post().to(keyed))
        .route("/login", web::post().to(login));
    let app = App::new()
        .app_data(Data::new(Idempotency::new(MemoryStore::new())))
        .app_data(Data::new("eu".to_owned()))
        .app_data(repo.clone())
        .app_data(web::PayloadConfig::new(32 * 1024))
        .service(web::scope("/api").service(accounts).configure(orders::<MemoryRepo>))
        .service(create_payment)
        .configure(ecosystem::routes)
        .wrap(from_fn(authenticate))
        .wrap(Condition::new(true, NormalizePath::trim()))
        .wrap(DefaultHeaders::new().add(("x-service", "payments")))
        .wrap(Cors::permissive())
        .wrap(Logger::default());
    let app = init_service(app).await;
    for (index, (path, media_type, body, status)) in [
        ("/payments", "application/json", r#"{"amount":42}"#, 201),
        ("/api/accounts/7/notes?page=2", "text/plain", "a note", 200),
        ("/api/accounts/7/keyed/k1", "text/plain", "a text", 200),
        ("/api/accounts/login", "application/x-www-form-urlencoded", "amount=1", 303),
        ("/api/orders", "application/json", r#"{"amount":42}"#, 200),
        ("/cookies", "text/plain", "", 200),
        ("/documented", "application/json", r#"{"amount":42}"#, 201),
    ]
    .into_iter()
    .enumerate()
    {
        let request = || {
            TestRequest::post()
                .uri(path)
                .insert_header((header::AUTHORIZATION, "acme"))
                .insert_header(("Idempotency-Key", format!("order-{index}")))
                .insert_header((header::CONTENT_TYPE, media_type))
                .set_payload(body)
                .to_request()
        };
        let first = call_service(&app, request()).await;
        assert_eq!(first.status(), status, "{path}");
        let runs = repo.0.load(Ordering::Relaxed);
        let second = call_service(&app, request()).await;
        assert_eq!(second.status(), status, "{path}");
        assert!(second.headers().contains_key("idempotent-replayed"), "{path}");
        assert!(second.headers().contains_key("x-service"), "middleware sees replays too");
        assert_eq!(read_body(second).await, read_body(first).await, "{path}");
        assert_eq!(repo.0.load(Ordering::Relaxed), runs, "{path}");
    }

    let pay = |body: &'static str| {
        TestRequest::post()
            .uri("/payments")
            .insert_header((header::AUTHORIZATION, "acme"))
            .insert_header(("Idempotency-Key", "corrected"))
            .insert_header(ContentType::json())
            .set_payload(body)
            .to_request()
    };
    assert_eq!(call_service(&app, pay(r#"{"amount":0}"#)).await.status(), 422);
    let corrected = call_service(&app, pay(r#"{"amount":42}"#)).await;
    assert_eq!(corrected.status(), StatusCode::CREATED);
    assert!(!corrected.headers().contains_key("idempotent-replayed"));
}
