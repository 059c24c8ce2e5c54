//! The conformance suite through PgBouncer in transaction mode.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod harness;

use idem_postgres::{PostgresStore, PostgresStoreBuilder};
use idem_testkit::servers::{PgBouncer, PostgresServer, Shared};

use harness::{Connect, Harness};

static SERVER: Shared<PostgresServer> = Shared::new(|| PostgresServer::start(&[]));

/// A pooler with fewer server connections than clients, so that clients share them.
static POOLER: Shared<PgBouncer> = Shared::new(|| PgBouncer::before(&SERVER, 10));

struct Pooled;

impl Connect for Pooled {
    fn server() -> &'static PostgresServer {
        &SERVER
    }

    fn url() -> String {
        POOLER.url()
    }

    fn builder() -> PostgresStoreBuilder {
        PostgresStore::builder().pgbouncer()
    }
}

idem_conformance::store_suite!(Harness<Pooled>);
idem_conformance::admin_suite!(Harness<Pooled>);
idem_conformance::delete_suite!(Harness<Pooled>);
