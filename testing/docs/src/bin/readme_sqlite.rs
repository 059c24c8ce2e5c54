//! The example of the README of `idem-sqlite`.

use axum::{Json, Router, routing::post};
use idem_axum::{Idempotency, SqliteStore, idempotent};

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment(Json(amount): Json<u64>) -> String {
    println!("charging {amount}");
    format!("charged {amount}\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqliteStore::open("idem.db").await?;
    let idempotency = Idempotency::new(store);
    let state = idempotency.clone();
    let app = Router::new().route("/payments", post(create_payment)).with_state(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let drained = idem_axum::serve(listener, app, &idempotency).await?;
    println!("stopped: {drained:?}");
    Ok(())
}
