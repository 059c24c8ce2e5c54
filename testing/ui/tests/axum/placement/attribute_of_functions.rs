use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use idem_core::idempotent;

#[derive(Clone)]
struct App;

#[idempotent(ttl = "24h", scope = "global", optional)]
async fn create_payment(State(_app): State<App>, Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

fn main() {
    let _: Router = Router::new().route("/", post(create_payment)).with_state(App);
}
