//! The guide's chapter on existing applications.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use idem_axum::{
    Execution, Guarantee, Idempotency, MemoryStore, Operation, OrAnonymous, Policy, ScopeParts,
    ScopeValue, idempotent, status_by_key,
};

#[derive(Clone)]
struct Db;

impl Db {
    async fn insert(&self, amount: u64) -> u64 {
        amount
    }
}

#[derive(Clone, FromRef)]
struct AppState {
    idempotency: Idempotency,
    db: Db,
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(
    State(app): State<Arc<AppState>>,
    tenant: Extension<Tenant>,
    Json(amount): Json<u64>,
) -> (StatusCode, Json<u64>) {
    let id = app.db.insert(amount).await;
    (StatusCode::CREATED, Json(id))
}

fn router() -> Router {
    let app = AppState { idempotency: Idempotency::new(MemoryStore::new()), db: Db };
    Router::new().route("/payments", post(create_payment)).with_state(Arc::new(app))
}

fn status() -> Router<Arc<AppState>> {
    let status = status_by_key::<Extension<Tenant>>(Operation::route("POST", "/payments"));
    let routes = Router::new().route("/payments/by-key/{key}", get(status));
    routes.route("/payments", post(create_payment))
}

/// The tenant that a layer for authentication found, and put into the request's extensions.
#[derive(Clone)]
struct Tenant {
    id: u64,
}

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(self.id.to_string());
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const PAYMENTS: Policy = Policy::new(DAY, Guarantee::AtMostOnce)
    .with_wait(Duration::from_secs(3))
    .with_hold(DAY.saturating_mul(90))
    .with_releases(&[400, 422]);

#[idempotent(policy = "PAYMENTS", scope = "tenant", ttl = "48h")]
async fn refund_payment(tenant: Extension<Tenant>, Json(amount): Json<u64>) -> StatusCode {
    if amount == 0 {
        return StatusCode::UNPROCESSABLE_ENTITY; // the key stays free
    }
    StatusCode::NO_CONTENT
}

#[idempotent(ttl = "24h", scope = "OrAnonymous(tenant)")]
async fn create_cart(Extension(tenant): Extension<Option<Tenant>>) -> StatusCode {
    StatusCode::CREATED
}

trait Repo: Send + Sync + 'static {
    fn save(&self, amount: u64) -> impl Future<Output = u64> + Send;
}

#[idempotent(ttl = "24h", scope = "global")]
async fn create_order<R: Repo>(repo: Extension<Arc<R>>, Json(amount): Json<u64>) -> Json<u64> {
    Json(repo.save(amount).await)
}

fn orders<R: Repo>() -> Router<Arc<AppState>> {
    Router::new().route("/orders", post(create_order::<R>))
}

async fn charge() -> String {
    Execution::current().downstream_key("charge").as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_payment_is_created() {
        let app = AppState { idempotency: Idempotency::new(MemoryStore::new()), db: Db };
        let tenant = Extension(Tenant { id: 7 });
        let created = create_payment_unguarded(State(Arc::new(app)), tenant, Json(42)).await;
        assert_eq!(created.0, StatusCode::CREATED);
    }

    #[tokio::test]
    async fn a_charge_has_one_key() {
        let first = Execution::for_test("order-1001").scope(charge()).await;
        let second = Execution::for_test("order-1001").scope(charge()).await;
        assert_eq!(first, second);
    }
}
