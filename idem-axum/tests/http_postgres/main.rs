//! The HTTP scenarios that all adapters share, on axum with the Postgres store.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

#[path = "../http/app.rs"]
mod app;
#[path = "../http/extract.rs"]
mod extract;
#[path = "../http/handlers.rs"]
mod handlers;

use idem_axum::PostgresStore;
use idem_axum::postgres::PostgresStoreBuilder;
use idem_testkit::http::{Records, STORE_TIMEOUT};
use idem_testkit::servers::{PgBouncer, PostgresServer, Shared};

static SERVER: Shared<PostgresServer> =
    Shared::new(|| PostgresServer::start(&["max_connections=1000"]));

/// Connects a store with its own schema. Moving all of its times into the past has the same effect as advancing
/// the server's clock.
async fn records() -> Records {
    records_of(PostgresStore::builder(), &SERVER.url()).await
}

async fn records_of(builder: PostgresStoreBuilder, url: &str) -> Records {
    let schema = format!("http_{:016x}", rand::random::<u64>());
    let builder = builder.wait_timeout(STORE_TIMEOUT).statement_timeout(STORE_TIMEOUT);
    let store = builder.schema(&*schema).connect(url).await.unwrap();
    Records::new(store, move |by| SERVER.age(&schema, by))
}

idem_testkit::http_suite!(app::start, on: records);

/// The same scenarios through PgBouncer in transaction mode.
mod pooled {
    use super::{PgBouncer, PostgresStore, Records, SERVER, Shared, app, records_of};

    static POOLER: Shared<PgBouncer> = Shared::new(|| PgBouncer::before(&SERVER, 10));

    async fn records() -> Records {
        records_of(PostgresStore::builder().pgbouncer(), &POOLER.url()).await
    }

    idem_testkit::http_suite!(app::start, on: records);
}
