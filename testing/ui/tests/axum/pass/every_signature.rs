#![deny(warnings)]

use axum::extract::{FromRef, FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use idem_axum::{Idempotency, MemoryStore, Outcome, ScopeParts, ScopeValue, idempotent};

const POLICY: u16 = 201;

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
}

struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Ok(Self("acme".to_owned()))
    }
}

#[derive(serde::Deserialize)]
struct NewPayment {
    id: String,
    amount: u64,
}

// A last parameter that does not take the body.
#[idempotent(ttl = "24h", scope = "tenant")]
async fn head_only(tenant: Tenant) -> StatusCode {
    drop(tenant);
    StatusCode::from_u16(POLICY).unwrap_or_default()
}

// A parameter that only the attribute uses.
#[idempotent(ttl = "24h", scope = "tenant")]
async fn scope_only(tenant: Tenant) {}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn whole_request(tenant: Tenant, request: Request) -> impl IntoResponse {
    drop((tenant, request));
    (axum::Extension(Outcome::NotExecuted), "nothing done")
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn optional_body(mut tenant: Tenant, payment: Option<Json<NewPayment>>) {
    tenant.0.push('!');
    drop(payment);
}

#[idempotent(ttl = "24h", scope = "shop, format!(\"{order}\")")]
async fn patterns(
    Path((shop, mut order)): Path<(String, u64)>,
    Json(NewPayment { ref id, mut amount, .. }): Json<NewPayment>,
) {
    order += 1;
    amount += order;
    drop((shop, id, amount));
}

// Names that the expansion uses, without their underscores.
#[idempotent(ttl = "24h", scope = "call, scope")]
async fn names(call: Tenant, scope: Tenant, arg0: Tenant, last: Tenant, policy: Tenant) {
    drop((call, scope, arg0, last, policy));
}

#[idempotent(ttl = "24h", scope = "p")]
#[allow(clippy::too_many_arguments)]
async fn sixteen(
    _a: Method, _b: Uri, _c: HeaderMap, _d: State<App>, _e: Query<Vec<(String, String)>>, _f: Method, _g: Uri,
    _h: HeaderMap, _i: Method, _j: Uri, _k: HeaderMap, _l: Method, _m: Uri, _n: HeaderMap, p: Tenant, _q: Json<u64>,
) -> StatusCode {
    drop(p);
    StatusCode::OK
}

#[idempotent(ttl = "24h", scope = "tenant")]
#[axum::debug_handler(state = App)]
async fn debug_below(tenant: Tenant, Json(amount): Json<u64>) -> Json<u64> {
    drop(tenant);
    Json(amount)
}

// `debug_handler` goes below. Above, it would call the function with the parameters that the user wrote.
#[idempotent(ttl = "24h", scope = "global")]
#[axum::debug_handler(state = App)]
async fn debug_below_nothing() {}

#[idempotent(ttl = "24h", scope = "tenant")]
#[tracing::instrument(skip_all)]
async fn instrumented_below(tenant: Tenant, Json(amount): Json<u64>) -> Json<u64> {
    drop(tenant);
    Json(amount)
}

#[tracing::instrument(skip_all)]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn instrumented_above(tenant: Tenant, Json(amount): Json<u64>) -> Json<u64> {
    drop(tenant);
    Json(amount)
}

struct Api;

impl Api {
    #[idempotent(ttl = "24h", scope = "tenant")]
    async fn create(tenant: Tenant) {
        drop(tenant);
    }
}

macro_rules! handler {
    ($name:ident, $ttl:literal, $tenant:ty) => {
        #[idempotent(ttl = $ttl, scope = "tenant")]
        async fn $name(tenant: $tenant) {
            drop(tenant);
        }
    };
}
handler!(made_by_a_macro, "1h", Tenant);

#[idempotent(ttl = "24h", scope = "tenant")]
#[expect(dead_code)]
async fn unused(tenant: Tenant) {
    drop(tenant);
}

#[test]
fn builds() {
    let app = App { idempotency: Idempotency::new(MemoryStore::new()) };
    let _: Router = Router::new()
        .route("/1", post(head_only))
        .route("/1b", post(scope_only))
        .route("/2", post(whole_request))
        .route("/3", post(optional_body))
        .route("/4", post(patterns))
        .route("/5", post(names))
        .route("/6", post(sixteen))
        .route("/7", post(debug_below))
        .route("/9", post(debug_below_nothing))
        .route("/10", post(instrumented_below))
        .route("/11", post(instrumented_above))
        .route("/12", post(Api::create))
        .route("/13", post(made_by_a_macro))
        .with_state(app);
}
