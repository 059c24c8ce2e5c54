//! The HTTP scenarios that all adapters share, on actix-web with the Postgres store.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

#[path = "../http/app.rs"]
mod app;
#[path = "../http/extract.rs"]
mod extract;
#[path = "../http/handlers.rs"]
mod handlers;

use idem_actix::PostgresStore;
use idem_testkit::http::{Records, STORE_TIMEOUT};
use idem_testkit::servers::{PostgresServer, Shared};

static SERVER: Shared<PostgresServer> =
    Shared::new(|| PostgresServer::start(&["max_connections=1000"]));

/// Connects a store with its own schema. Moving all of its times into the past has the same effect as advancing
/// the server's clock.
async fn records() -> Records {
    let schema = format!("http_{:016x}", rand::random::<u64>());
    let builder = PostgresStore::builder().schema(&*schema);
    let builder = builder.wait_timeout(STORE_TIMEOUT).statement_timeout(STORE_TIMEOUT);
    let store = builder.connect(&SERVER.url()).await.unwrap();
    Records::new(store, move |by| SERVER.age(&schema, by))
}

idem_testkit::http_suite!(app::start, on: records);
