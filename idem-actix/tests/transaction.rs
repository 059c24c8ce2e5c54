//! Handlers that take a `Tx`.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::rt::{System, time};
use actix_web::web::{self, Data, Json};
use actix_web::{App, Error, FromRequest, HttpRequest, HttpResponse, HttpServer};
use futures_util::future::LocalBoxFuture;
use idem_actix::postgres::sqlx;
use idem_actix::{Idempotency, MemoryStore, PostgresStore, Tx, idempotent};
use idem_testkit::http::STORE_TIMEOUT;
use idem_testkit::http::transaction::{self, SQL, Transfer, Transfers};
use idem_testkit::servers::PostgresServer;
use tokio::sync::oneshot;

#[idempotent(ttl = "1h", scope = "global")]
async fn transfer(mut tx: Tx, transfer: Json<Transfer>) -> HttpResponse {
    carry_out(&mut tx, *transfer).await
}

#[idempotent(ttl = "1h", scope = "global", optional)]
async fn optional(mut ledger: Ledger, transfer: Json<Transfer>) -> HttpResponse {
    carry_out(&mut ledger.0, *transfer).await
}

/// An extractor of an application that extracts a `Tx` after it was suspended.
struct Ledger(Tx);

impl FromRequest for Ledger {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            tokio::task::yield_now().await;
            Tx::extract(&request).await.map(Self)
        })
    }
}

#[idempotent(ttl = "1h", scope = "global")]
async fn last(mut ledger: Ledger) -> HttpResponse {
    carry_out(&mut ledger.0, Transfer { status: 201, gated: false }).await
}

/// A handler without the attribute that takes a `Tx`.
async fn bare(mut tx: Tx, transfer: Json<Transfer>) -> HttpResponse {
    carry_out(&mut tx, *transfer).await
}

async fn carry_out(tx: &mut Tx, Transfer { status, gated }: Transfer) -> HttpResponse {
    sqlx::query(SQL[0]).execute(&mut **tx).await.unwrap();
    while gated && !sqlx::query_scalar::<_, bool>(SQL[1]).fetch_one(&mut **tx).await.unwrap() {
        time::sleep(Duration::from_millis(5)).await;
    }
    HttpResponse::new(StatusCode::from_u16(status).unwrap())
}

async fn serve(idempotency: Idempotency) -> SocketAddr {
    let (started, start) = oneshot::channel();
    let idempotency = Data::new(idempotency);
    thread::spawn(move || {
        System::new().block_on(async {
            let app = move || {
                App::new()
                    .app_data(idempotency.clone())
                    .route("/transfers", web::post().to(transfer))
                    .route("/optional", web::post().to(optional))
                    .route("/last", web::post().to(last))
                    .route("/bare", web::post().to(bare))
            };
            // A slow client on a busy machine is not an attack.
            let server = HttpServer::new(app).workers(2).client_request_timeout(STORE_TIMEOUT);
            let server = server.bind("127.0.0.1:0").unwrap();
            started.send(server.addrs()[0]).unwrap();
            server.run().await.unwrap();
        });
    });
    start.await.unwrap()
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
