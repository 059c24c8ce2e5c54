//! Handlers that take a `Tx`.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::post;
use axum::{Json, Router};
use idem_axum::postgres::sqlx;
use idem_axum::{Idempotency, MemoryStore, PostgresStore, Tx, idempotent};
use idem_testkit::http::STORE_TIMEOUT;
use idem_testkit::http::transaction::{self, SQL, Transfer, Transfers};
use idem_testkit::servers::PostgresServer;
use tokio::net::TcpListener;

#[idempotent(ttl = "1h", scope = "global")]
async fn transfer(mut tx: Tx, Json(transfer): Json<Transfer>) -> StatusCode {
    carry_out(&mut tx, transfer).await
}

#[idempotent(ttl = "1h", scope = "global", optional)]
async fn optional(Ledger(mut tx): Ledger, Json(transfer): Json<Transfer>) -> StatusCode {
    carry_out(&mut tx, transfer).await
}

/// An extractor of an application that extracts a `Tx` after it was suspended.
struct Ledger(Tx);

impl<S: Sync> FromRequestParts<S> for Ledger {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, StatusCode> {
        tokio::task::yield_now().await;
        Tx::from_request_parts(parts, state).await.map(Self)
    }
}

#[idempotent(ttl = "1h", scope = "global")]
async fn last(Ledger(mut tx): Ledger) -> StatusCode {
    carry_out(&mut tx, Transfer { status: 201, gated: false }).await
}

/// A handler without the attribute that takes a `Tx`.
async fn bare(mut tx: Tx, Json(transfer): Json<Transfer>) -> StatusCode {
    carry_out(&mut tx, transfer).await
}

async fn carry_out(tx: &mut Tx, Transfer { status, gated }: Transfer) -> StatusCode {
    sqlx::query(SQL[0]).execute(&mut **tx).await.unwrap();
    while gated && !sqlx::query_scalar::<_, bool>(SQL[1]).fetch_one(&mut **tx).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    StatusCode::from_u16(status).unwrap()
}

async fn serve(idempotency: Idempotency) -> SocketAddr {
    let router = Router::new()
        .route("/transfers", post(transfer))
        .route("/optional", post(optional))
        .route("/last", post(last))
        .route("/bare", post(bare))
        .with_state(idempotency);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

async fn on(server: &PostgresServer) -> Transfers<'_> {
    transaction::prepare(server);
    let builder = PostgresStore::builder().wait_timeout(STORE_TIMEOUT);
    let store = builder.statement_timeout(STORE_TIMEOUT).connect(&server.url()).await.unwrap();
    let idempotency = Idempotency::builder(store).store_timeout(STORE_TIMEOUT).build();
    Transfers { server, address: serve(idempotency).await }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_end_leaves_all_or_nothing() {
    on(&PostgresServer::start(&[])).await.each_end_leaves_all_or_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_outlives_its_client() {
    on(&PostgresServer::start(&[])).await.run_outlives_its_client().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unguarded_request_is_an_error() {
    on(&PostgresServer::start(&[])).await.unguarded_request_is_an_error().await;
}

#[tokio::test]
async fn other_store_is_an_error() {
    let address = serve(Idempotency::new(MemoryStore::new())).await;
    transaction::other_store_is_an_error(address).await;
}

#[tokio::test]
async fn unguarded_handler_is_an_error() {
    let address = serve(Idempotency::new(MemoryStore::new())).await;
    transaction::unguarded_handler_is_an_error(address).await;
}
