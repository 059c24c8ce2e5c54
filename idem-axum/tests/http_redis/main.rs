//! The HTTP scenarios that all adapters share, on axum with the Redis store.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

#[path = "../http/app.rs"]
mod app;
#[path = "../http/extract.rs"]
mod extract;
#[path = "../http/handlers.rs"]
mod handlers;

use idem_axum::RedisStore;
use idem_testkit::http::{Records, STORE_TIMEOUT};
use idem_testkit::servers::{RedisServer, Shared};

static SERVER: Shared<RedisServer> = Shared::new(|| RedisServer::start(&[]));

/// Connects a store with its own namespace. The store judges leases and ttls by the remaining lifetime of a key.
/// Shortening it has the same effect as advancing the server's clock.
async fn records() -> Records {
    let namespace = format!("{:016x}", rand::random::<u64>());
    let builder = RedisStore::builder().namespace(&*namespace).connect_timeout(STORE_TIMEOUT);
    let builder = builder.wait_timeout(STORE_TIMEOUT).command_timeout(STORE_TIMEOUT);
    let store = builder.connect(&SERVER.url()).await.unwrap();
    Records::new(store, move |by| SERVER.age(&namespace, by))
}

idem_testkit::http_suite!(app::start, on: records);
