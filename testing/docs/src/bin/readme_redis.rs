//! The example of the README of `idem-redis`.

use axum::{Router, routing::post};
use idem_axum::{Idempotency, RedisStore, idempotent};

#[idempotent(ttl = "24h", scope = "global")]
async fn create_order(order: String) -> String {
    format!("accepted: {order}")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = RedisStore::connect("redis://127.0.0.1:6379/").await?;
    let idempotency = Idempotency::new(store);
    let app = Router::new().route("/orders", post(create_order)).with_state(idempotency.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let drained = idem_axum::serve(listener, app, &idempotency).await?;
    println!("stopped: {drained:?}");
    Ok(())
}
