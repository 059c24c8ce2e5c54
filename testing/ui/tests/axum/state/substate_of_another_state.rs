use axum::extract::{FromRef, State};
use axum::routing::post;
use axum::{Json, Router};
use idem_axum::{Idempotency, MemoryStore, idempotent};

#[derive(Clone)]
struct Db;

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
}

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment(State(_db): State<Db>, Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

fn main() {
    let app = App { idempotency: Idempotency::new(MemoryStore::new()) };
    let _: Router = Router::new().route("/payments", post(create_payment)).with_state(app);
}
