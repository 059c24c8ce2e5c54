use axum::Router;
use axum::routing::post;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "global")]
async fn tick() {}

fn main() {
    let _: Router = Router::new().route("/tick", post(tick));
}
