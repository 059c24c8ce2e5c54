//! The application: state, layers and handlers with the extractors of axum.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
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
use idem_axum::{
    Guarantee, Idempotency, IdempotencyKey, MemoryStore, Policy, ScopeParts, ScopeValue, idempotent,
};
use serde::{Deserialize, Serialize};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::ecosystem;

pub(crate) const SHARED: Policy =
    Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce)
        .with_wait(Duration::from_secs(3))
        .with_releases(&[400, 422]);

pub(crate) trait Repo: Send + Sync + 'static {
    fn insert(&self, amount: u64) -> impl Future<Output = u64> + Send;
}

#[derive(Default)]
pub(crate) struct MemoryRepo(pub(crate) AtomicU64);

impl Repo for MemoryRepo {
    async fn insert(&self, amount: u64) -> u64 {
        tokio::task::yield_now().await;
        amount + self.0.fetch_add(1, Ordering::Relaxed)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Settings {
    currency: String,
}

pub(crate) struct AppState<R> {
    idempotency: Idempotency,
    settings: Settings,
    pub(crate) repo: R,
}

/// axum's derive does not support generics.
impl<R> FromRef<AppState<R>> for Idempotency {
    fn from_ref(app: &AppState<R>) -> Self {
        app.idempotency.clone()
    }
}

pub(crate) type App = Arc<AppState<MemoryRepo>>;

/// The tenant that the layer for authentication found.
#[derive(Clone)]
pub(crate) struct Tenant(pub(crate) String);

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
pub(crate) struct Currency(pub(crate) String);

impl FromRequestParts<App> for Currency {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, StatusCode> {
        Ok(Self(app.settings.currency.clone()))
    }
}

#[derive(Deserialize, Serialize)]
pub(crate) struct NewPayment {
    pub(crate) amount: u64,
}

#[derive(Deserialize)]
struct Page {
    page: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct ApiError(StatusCode);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// Creates a payment.
#[idempotent(policy = "SHARED", scope = "tenant")]
#[tracing::instrument(skip_all)]
pub(crate) async fn create_payment(
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
pub(crate) async fn create_order<R: Repo>(
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

pub(crate) fn application() -> (Router, App) {
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
        .merge(ecosystem::routes())
        .route_layer(from_fn_with_state(Arc::clone(&app), count))
        .layer(from_fn(authenticate))
        .layer(map_response(async |response: Response| response))
        .layer(DefaultBodyLimit::max(32 * 1024))
        .layer(layers)
        .layer(Extension(SocketAddr::from(([192, 0, 2, 1], 443))))
        .with_state(Arc::clone(&app));
    (router, app)
}
