//! The conformance suite through PgBouncer in transaction mode.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::sync::LazyLock;
use std::time::Duration;

use idem_conformance::StoreHarness;
use idem_postgres::PostgresStore;
use idem_testkit::servers::{PgBouncer, PostgresServer};

static SERVER: LazyLock<PostgresServer> = LazyLock::new(|| PostgresServer::start(&[]));

/// A pooler with fewer server connections than clients, so that clients share them.
static POOLER: LazyLock<PgBouncer> = LazyLock::new(|| PgBouncer::before(&SERVER, 10));

struct Pooled {
    store: PostgresStore,
    schema: String,
}

impl StoreHarness for Pooled {
    type Store = PostgresStore;
    /// The tests move the stored times, so no rule depends on the speed of the machine.
    const UNIT: Duration = Duration::from_secs(600);

    /// Each test has its own schema, because the sweeper rules count the deleted records.
    async fn fresh() -> Self {
        let schema = format!("rule_{:016x}", rand::random::<u64>());
        let builder = PostgresStore::builder().pgbouncer().schema(&*schema).sweep_every(None);
        let store = builder.connect(&POOLER.url()).await.unwrap();
        Self { store, schema }
    }

    fn store(&self) -> &PostgresStore {
        &self.store
    }

    async fn advance(&self, time: Duration) {
        SERVER.age(&self.schema, time);
    }
}

idem_conformance::store_suite!(Pooled);
idem_conformance::admin_suite!(Pooled);
idem_conformance::delete_suite!(Pooled);
