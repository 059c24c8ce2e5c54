//! The harness of the conformance suite, for stores that connect in different ways.

mod locks;

use std::marker::PhantomData;
use std::time::Duration;

use idem_conformance::StoreHarness;
use idem_postgres::{PostgresStore, PostgresStoreBuilder};
use idem_testkit::servers::PostgresServer;

/// The limits for a free connection and for a statement. A busy machine takes longer than their defaults, and no rule is
/// about them.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A way to connect.
pub(crate) trait Connect: Send + Sync + 'static {
    fn server() -> &'static PostgresServer;

    /// The URL that the store connects to.
    fn url() -> String {
        Self::server().url()
    }

    /// The settings of the store, except for its schema.
    fn builder() -> PostgresStoreBuilder {
        PostgresStore::builder()
    }
}

pub(crate) struct Harness<C> {
    store: PostgresStore,
    schema: String,
    connect: PhantomData<C>,
}

impl<C: Connect> StoreHarness for Harness<C> {
    type Store = PostgresStore;
    /// The tests move the stored times, so no rule depends on the speed of the machine.
    const UNIT: Duration = Duration::from_secs(600);

    /// Each test has its own schema, because the sweeper rules count the deleted records.
    async fn fresh() -> Self {
        let schema = format!("rule_{:016x}", rand::random::<u64>());
        let builder = C::builder().schema(&*schema).sweep_every(None);
        let builder = builder.wait_timeout(TIMEOUT).statement_timeout(TIMEOUT);
        let store = builder.connect(&C::url()).await.unwrap();
        locks::wait_longer(C::server(), &schema);
        Self { store, schema, connect: PhantomData }
    }

    fn store(&self) -> &PostgresStore {
        &self.store
    }

    async fn advance(&self, time: Duration) {
        C::server().age(&self.schema, time);
    }
}
