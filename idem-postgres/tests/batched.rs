//! The conformance suite, with every call in the statement for several calls.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod harness;

use idem_postgres::{PostgresStore, PostgresStoreBuilder};
use idem_testkit::servers::{PostgresServer, Shared};

use harness::{Connect, Harness};

static SERVER: Shared<PostgresServer> =
    Shared::new(|| PostgresServer::start(&["max_connections=1000"]));

struct Batched;

impl Connect for Batched {
    fn server() -> &'static PostgresServer {
        &SERVER
    }

    fn builder() -> PostgresStoreBuilder {
        PostgresStore::builder().batch_every_call()
    }
}

idem_conformance::store_suite!(Harness<Batched>);
idem_conformance::wakeup_suite!(Harness<Batched>);
