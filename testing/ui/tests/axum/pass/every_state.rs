//! The state is an `Idempotency`, contains one, also behind an `Arc`, or is a type parameter of a library.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::routing::post;
use axum::{Json, Router};
use idem_axum::{Idempotency, MemoryStore, idempotent};

#[derive(Clone)]
struct Db;

#[derive(Clone, FromRef)]
struct App {
    db: Db,
    idempotency: Idempotency,
}

#[idempotent(ttl = "24h", scope = "global")]
async fn on_substate(State(_db): State<Db>, Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

#[idempotent(ttl = "24h", scope = "global")]
async fn on_nothing(Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

#[idempotent(ttl = "24h", scope = "global")]
async fn on_arc(State(_app): State<Arc<App>>, Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

#[idempotent(ttl = "24h", scope = "global")]
async fn generic_on_arc<T: ToString>(State(_app): State<Arc<App>>) -> String {
    std::any::type_name::<T>().to_owned()
}

fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Idempotency: FromRef<S>,
    Db: FromRef<S>,
{
    Router::new().route("/substate", post(on_substate)).route("/nothing", post(on_nothing))
}

#[test]
fn builds() {
    let idempotency = Idempotency::new(MemoryStore::new());
    let _: Router = Router::new().route("/", post(on_nothing)).with_state(idempotency.clone());
    let app = App { db: Db, idempotency };
    let _: Router = Router::new()
        .route("/arc", post(on_arc))
        .route("/generic", post(generic_on_arc::<u64>))
        .route("/nothing", post(on_nothing))
        .with_state(Arc::new(app.clone()));
    let _: Router = Router::new()
        .nest("/api", routes())
        .merge(routes())
        .with_state(app);
}
