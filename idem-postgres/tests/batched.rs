//! The conformance suite, with every call in the statement for several calls.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::sync::LazyLock;
use std::time::Duration;

use idem_conformance::StoreHarness;
use idem_postgres::PostgresStore;
use idem_testkit::servers::PostgresServer;

static SERVER: LazyLock<PostgresServer> =
    LazyLock::new(|| PostgresServer::start(&["max_connections=1000"]));

struct Batched {
    store: PostgresStore,
    schema: String,
}

impl StoreHarness for Batched {
    type Store = PostgresStore;
    /// The tests move the stored times, so no rule depends on the speed of the machine.
    const UNIT: Duration = Duration::from_secs(600);

    async fn fresh() -> Self {
        let schema = format!("rule_{:016x}", rand::random::<u64>());
        let builder =
            PostgresStore::builder().batch_every_call().schema(&*schema).sweep_every(None);
        let store = builder.connect(&SERVER.url()).await.unwrap();
        Self { store, schema }
    }

    fn store(&self) -> &PostgresStore {
        &self.store
    }

    async fn advance(&self, time: Duration) {
        SERVER.age(&self.schema, time);
    }
}

idem_conformance::store_suite!(Batched);
idem_conformance::wakeup_suite!(Batched);
