use std::sync::Arc;

use axum::routing::post;
use axum::{Json, Router, extract::State};
use idem_axum::idempotent;

struct App;

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment(State(_app): State<Arc<App>>, Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

fn main() {
    let app = Arc::new(App);
    let _: Router = Router::new().route("/payments", post(create_payment)).with_state(app);
}
