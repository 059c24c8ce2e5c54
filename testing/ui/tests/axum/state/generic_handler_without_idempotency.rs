use axum::routing::post;
use axum::{Json, Router, extract::State};
use idem_axum::idempotent;

#[derive(Clone)]
struct App;

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment<T: ToString>(State(_app): State<App>, Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

fn main() {
    let _: Router = Router::new().route("/payments", post(create_payment::<u64>)).with_state(App);
}
