//! An application as large as many are, in which every handler is guarded: its layers, its extractors, its state behind an
//! `Arc`, and a repository behind a trait.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::JsonRejection;
use axum::extract::{
    ConnectInfo, DefaultBodyLimit, Form, FromRef, FromRequestParts, MatchedPath, NestedPath,
    OriginalUri, Path, Query, RawForm, RawPathParams, RawQuery, Request, State,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, Version};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use http_body_util::BodyExt;
use idem_axum::{
    Guarantee, Idempotency, IdempotencyKey, MemoryStore, Policy, ScopeParts, ScopeValue, idempotent,
};
use serde::{Deserialize, Serialize};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

const SHARED: Policy = Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce)
    .with_wait(Duration::from_secs(3))
    .with_releases(&[400, 422]);

trait Repo: Send + Sync + 'static {
    fn insert(&self, amount: u64) -> impl Future<Output = u64> + Send;
}

#[derive(Default)]
struct MemoryRepo(AtomicU64);

impl Repo for MemoryRepo {
    async fn insert(&self, amount: u64) -> u64 {
        tokio::task::yield_now().await;
        amount + self.0.fetch_add(1, Ordering::Relaxed)
    }
}

#[derive(Clone, Default)]
struct Settings {
    currency: String,
}

struct AppState<R> {
    idempotency: Idempotency,
    settings: Settings,
    repo: R,
}

/// axum's derive does not support generics.
impl<R> FromRef<AppState<R>> for Idempotency {
    fn from_ref(app: &AppState<R>) -> Self {
        app.idempotency.clone()
    }
}

type App = Arc<AppState<MemoryRepo>>;

/// The tenant that the layer for authentication found.
#[derive(Clone)]
struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

async fn authenticate(mut request: Request, next: Next) -> Result<Response, StatusCode> {
    let token = request.headers().get("authorization").ok_or(StatusCode::UNAUTHORIZED)?;
    let tenant = token.to_str().map_err(|_| StatusCode::UNAUTHORIZED)?.to_owned();
    request.extensions_mut().insert(Tenant(tenant));
    Ok(next.run(request).await)
}

async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let runs = app.repo.0.load(Ordering::Relaxed);
    response.headers_mut().insert("x-runs", runs.into());
    response
}

/// A custom extractor with the router's state.
struct Currency(String);

impl FromRequestParts<App> for Currency {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, StatusCode> {
        Ok(Self(app.settings.currency.clone()))
    }
}

#[derive(Deserialize, Serialize)]
struct NewPayment {
    amount: u64,
}

#[derive(Deserialize)]
struct Page {
    page: Option<u32>,
}

#[derive(Debug)]
struct ApiError(StatusCode);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// Creates a payment.
#[idempotent(policy = "SHARED", scope = "tenant")]
#[tracing::instrument(skip_all)]
async fn create_payment(
    State(app): State<App>,
    tenant: Extension<Tenant>,
    currency: Currency,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<u64>), ApiError> {
    if payment.amount == 0 {
        return Err(ApiError(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let id = app.repo.insert(payment.amount).await;
    assert_eq!(currency.0, "EUR");
    Ok((StatusCode::CREATED, Json(id)))
}

#[idempotent(policy = "SHARED", scope = "tenant.as_deref()")]
#[expect(clippy::too_many_arguments, reason = "every extractor of the framework")]
async fn head_extractors(
    method: Method,
    uri: Uri,
    OriginalUri(original): OriginalUri,
    version: Version,
    headers: HeaderMap,
    matched: MatchedPath,
    nested: NestedPath,
    Path(id): Path<HashMap<String, u64>>,
    raw: RawPathParams,
    Query(page): Query<Page>,
    RawQuery(query): RawQuery,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    server: Extension<SocketAddr>,
    tenant: Option<Extension<Tenant>>,
    body: Bytes,
) -> String {
    let tenant = tenant.map(|Extension(Tenant(tenant))| tenant).unwrap_or_default();
    let parts = (raw.iter().count(), page.page, query, headers.len() > 2, version);
    format!(
        "{method} {uri} {original} {} {} {id:?} {parts:?} {peer} {} {tenant} {}",
        matched.as_str(),
        nested.as_str(),
        server.port(),
        body.len()
    )
}

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn login(tenant: Extension<Tenant>, form: Form<NewPayment>) -> impl IntoResponse {
    let cookie = format!("session={}", form.amount);
    (AppendHeaders([("set-cookie", cookie)]), Redirect::to("/account"))
}

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn raw_form(tenant: Extension<Tenant>, RawForm(form): RawForm) -> Bytes {
    form
}

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn lenient(
    tenant: Extension<Tenant>,
    payment: Result<Json<NewPayment>, JsonRejection>,
) -> Result<String, ApiError> {
    let Json(payment) = payment.map_err(|rejection| ApiError(rejection.status()))?;
    Ok(payment.amount.to_string())
}

#[idempotent(policy = "SHARED", scope = "tenant", key = "key", fingerprint = "(id, text)")]
async fn keyed(
    tenant: Extension<Tenant>,
    Path((id, key)): Path<(u64, IdempotencyKeyText)>,
    text: String,
) -> String {
    format!("{id}/{}/{text}", key.0)
}

#[derive(Deserialize)]
struct IdempotencyKeyText(String);

impl idem_axum::KeyValue for IdempotencyKeyText {
    fn to_key(&self) -> Result<IdempotencyKey, idem_axum::KeyError> {
        IdempotencyKey::new(&*self.0)
    }
}

/// A handler over any repository, in a router over any repository.
#[idempotent(policy = "SHARED", scope = "tenant", ttl = "1h")]
async fn create_order<R: Repo>(
    State(app): State<Arc<AppState<R>>>,
    tenant: Extension<Tenant>,
    Json(order): Json<NewPayment>,
) -> Json<u64> {
    Json(app.repo.insert(order.amount).await)
}

fn orders<R: Repo>() -> Router<Arc<AppState<R>>> {
    Router::new().route("/orders", post(create_order::<R>))
}

#[idempotent(policy = "SHARED", scope = "tenant")]
async fn panics(tenant: Extension<Tenant>) -> StatusCode {
    panic!("a bug of {}", tenant.0.0)
}

fn application() -> (Router, App) {
    let app = Arc::new(AppState {
        idempotency: Idempotency::new(MemoryStore::new()),
        settings: Settings { currency: "EUR".to_owned() },
        repo: MemoryRepo::default(),
    });
    let accounts = Router::new()
        .route("/{id}/notes", post(head_extractors))
        .route("/{id}/keyed/{key}", post(keyed))
        .route("/login", post(login))
        .route("/raw", post(raw_form));
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(CatchPanicLayer::new())
        .layer(CorsLayer::permissive())
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(10)))
        .layer(RequestBodyLimitLayer::new(64 * 1024));
    let router = Router::new()
        .nest("/api", Router::new().nest("/accounts", accounts).merge(orders::<MemoryRepo>()))
        .route("/payments", post(create_payment))
        .route("/lenient", post(lenient))
        .route("/panics", post(panics))
        .route_layer(from_fn_with_state(Arc::clone(&app), count))
        .layer(from_fn(authenticate))
        .layer(map_response(async |response: Response| response))
        .layer(DefaultBodyLimit::max(32 * 1024))
        .layer(layers)
        .layer(Extension(SocketAddr::from(([192, 0, 2, 1], 443))))
        .with_state(Arc::clone(&app));
    (router, app)
}

struct Sent {
    status: StatusCode,
    replayed: bool,
    headers: HeaderMap,
    body: Vec<u8>,
}

async fn send(router: &Router, path: &str, media_type: &str, body: &str) -> Sent {
    let mut request = Request::post(path)
        .header("authorization", "acme")
        .header("idempotency-key", "order-1001")
        .header("content-type", media_type)
        .header("user-agent", "test")
        .header("origin", "https://shop.example")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let peer = SocketAddr::from(([192, 0, 2, 7], 4711));
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Sent {
        status: parts.status,
        replayed: parts.headers.contains_key("idempotent-replayed"),
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

#[tokio::test]
async fn every_handler_runs_once_per_key() {
    for (path, media_type, body, status) in [
        ("/payments", "application/json", r#"{"amount":42}"#, 201),
        ("/api/accounts/7/notes?page=2", "text/plain", "a note", 200),
        ("/api/accounts/7/keyed/k1", "text/plain", "a text", 200),
        ("/api/accounts/login", "application/x-www-form-urlencoded", "amount=1", 303),
        ("/api/accounts/raw", "application/x-www-form-urlencoded", "a=1&b=2", 200),
        ("/lenient", "application/json", r#"{"amount":42}"#, 200),
        ("/api/orders", "application/json", r#"{"amount":42}"#, 200),
        ("/panics", "text/plain", "", 500),
    ] {
        let (router, app) = application();
        let first = send(&router, path, media_type, body).await;
        assert_eq!(first.status, status, "{path} {:?}", String::from_utf8_lossy(&first.body));
        assert!(!first.replayed, "{path}");
        let runs = app.repo.0.load(Ordering::Relaxed);
        let second = send(&router, path, media_type, body).await;
        assert_eq!((second.status, &second.body), (first.status, &first.body), "{path}");
        assert!(second.replayed, "{path}");
        assert!(second.headers.contains_key("x-request-id"), "layers see replays too");
        assert_eq!(app.repo.0.load(Ordering::Relaxed), runs, "{path}");
    }
}

#[tokio::test]
async fn a_corrected_request_uses_the_same_key() {
    let (router, _) = application();
    let wrong = send(&router, "/payments", "application/json", r#"{"amount":0}"#).await;
    assert_eq!(wrong.status, 422);
    let corrected = send(&router, "/payments", "application/json", r#"{"amount":42}"#).await;
    assert_eq!((corrected.status, corrected.replayed), (StatusCode::CREATED, false));
}

#[tokio::test]
async fn a_handler_is_called_without_its_guard() {
    let (_, app) = application();
    let tenant = || Extension(Tenant("acme".to_owned()));
    let currency = Currency("EUR".to_owned());
    let payment = Json(NewPayment { amount: 42 });
    let created = create_payment_unguarded(State(app.clone()), tenant(), currency, payment).await;
    assert_eq!(created.unwrap().0, StatusCode::CREATED);
    let order = Json(NewPayment { amount: 42 });
    let Json(id) = create_order_unguarded::<MemoryRepo>(State(app), tenant(), order).await;
    assert_eq!(id, 43);
}
