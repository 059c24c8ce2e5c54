//! Handlers with type parameters of their own, mounted as in plain axum, and called without a guard.

#![deny(warnings)]

use std::future::Future;
use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::routing::post;
use axum::{Json, Router};
use idem_axum::{Idempotency, MemoryStore, Recovery, idempotent};

trait Repo: Send + Sync + 'static {
    fn save(&self, amount: u64) -> impl Future<Output = u64> + Send;
}

#[derive(Clone)]
struct PgRepo;

impl Repo for PgRepo {
    async fn save(&self, amount: u64) -> u64 {
        amount
    }
}

struct App<R> {
    repo: Arc<R>,
    idempotency: Idempotency,
}

impl<R> Clone for App<R> {
    fn clone(&self) -> Self {
        Self { repo: Arc::clone(&self.repo), idempotency: self.idempotency.clone() }
    }
}

impl<R> FromRef<App<R>> for Idempotency {
    fn from_ref(app: &App<R>) -> Self {
        app.idempotency.clone()
    }
}

/// Creates a payment.
#[idempotent(ttl = "24h", scope = "global")]
async fn create<R: Repo>(State(app): State<App<R>>, Json(amount): Json<u64>) -> Json<u64> {
    Json(app.repo.save(amount).await)
}

#[idempotent(ttl = "24h", scope = "global", label = "amount", recover = "find(app, *amount)")]
async fn recovered<R>(State(app): State<App<R>>, Json(amount): Json<u64>) -> Json<u64>
where
    R: Repo,
{
    Json(app.repo.save(amount).await)
}

async fn find<R: Repo>(app: &App<R>, amount: u64) -> Recovery<Json<u64>> {
    Recovery::Happened(Json(app.repo.save(amount).await))
}

// The parameters of the type are named only in the body.
#[idempotent(ttl = "24h", scope = "global")]
async fn constant<T: Default + ToString, const N: usize>() -> String {
    format!("{}/{N}", T::default().to_string())
}

#[idempotent(ttl = "24h", scope = "global")]
async fn bounded(amount: String) -> String
where
    String: Clone,
{
    amount
}

async fn called() -> (Json<u64>, String, String) {
    let app = App { repo: Arc::new(PgRepo), idempotency: Idempotency::new(MemoryStore::new()) };
    let created = create_unguarded::<PgRepo>(State(app), Json(1)).await;
    (created, constant_unguarded::<u8, 3>().await, bounded_unguarded("1".to_owned()).await)
}

#[test]
fn builds() {
    let app = App { repo: Arc::new(PgRepo), idempotency: Idempotency::new(MemoryStore::new()) };
    let _: Router = Router::new()
        .route("/1", post(create::<PgRepo>))
        .route("/2", post(recovered::<PgRepo>))
        .route("/3", post(constant::<u8, 3>))
        .route("/4", post(bounded))
        .with_state(app);
    drop(called());
}
