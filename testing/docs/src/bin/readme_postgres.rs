//! The example of the README of `idem-postgres`.

use axum::{Json, Router, http::StatusCode, routing::post};
use idem_axum::postgres::sqlx;
use idem_axum::{Idempotency, PostgresStore, Tx, idempotent};

#[idempotent(ttl = "24h", scope = "global")]
async fn deposit(mut tx: Tx, Json((id, cents)): Json<(i64, i64)>) -> StatusCode {
    let credit = sqlx::query("UPDATE account SET cents = cents + $1 WHERE id = $2");
    match credit.bind(cents).bind(id).execute(&mut *tx).await {
        Ok(done) if done.rows_affected() == 1 => StatusCode::NO_CONTENT, // commits
        Ok(_) => StatusCode::NOT_FOUND, // rolls back, and is stored and replayed
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR, // rolls back; a retry runs again
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = PostgresStore::connect("postgres://app@127.0.0.1/shop").await?;
    let idempotency = Idempotency::new(store);
    let app = Router::new().route("/deposits", post(deposit)).with_state(idempotency.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let drained = idem_axum::serve(listener, app, &idempotency).await?;
    println!("stopped: {drained:?}");
    Ok(())
}
