//! The conformance suite on the memory store, alone and behind the wrappers, and rules of the memory store.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod bounds;
mod changed;

use std::sync::Arc;
use std::time::Duration;

use idem_conformance::{FaultStore, Pending, StoreHarness};
use idem_core::MemoryStore;
use idem_core::store::IdempotencyStore;

/// The tests move the store's clock, so no rule depends on the speed of the machine.
const UNIT: Duration = Duration::from_secs(60);

mod plain {
    use super::{Duration, MemoryStore, StoreHarness, UNIT};

    struct Memory(MemoryStore);

    impl StoreHarness for Memory {
        type Store = MemoryStore;
        const UNIT: Duration = UNIT;
        const ROUNDS: usize = 200;
        const CASES: u32 = 1_000;

        async fn fresh() -> Self {
            Self(MemoryStore::new())
        }

        fn store(&self) -> &MemoryStore {
            &self.0
        }

        async fn advance(&self, time: Duration) {
            self.0.advance_clock(time);
        }
    }

    idem_conformance::store_suite!(Memory);
    idem_conformance::admin_suite!(Memory, with: wakeups);
    idem_conformance::quota_suite!(Memory);
    idem_conformance::delete_suite!(Memory);
    idem_conformance::wakeup_suite!(Memory);
}

/// The wrappers of the fault tests do not change a store while no fault is injected. Neither does an `Arc`.
mod wrapped {
    use super::{
        Arc, Duration, FaultStore, IdempotencyStore, MemoryStore, Pending, StoreHarness, UNIT,
    };

    struct Wrapped {
        store: FaultStore<Pending<Arc<dyn IdempotencyStore>>>,
        memory: MemoryStore,
    }

    impl StoreHarness for Wrapped {
        type Store = FaultStore<Pending<Arc<dyn IdempotencyStore>>>;
        const UNIT: Duration = UNIT;

        async fn fresh() -> Self {
            let memory = MemoryStore::new();
            let any: Arc<dyn IdempotencyStore> = Arc::new(memory.clone());
            let (store, _) = FaultStore::new(Pending::new(any));
            Self { store, memory }
        }

        fn store(&self) -> &Self::Store {
            &self.store
        }

        async fn advance(&self, time: Duration) {
            self.memory.advance_clock(time);
        }
    }

    idem_conformance::store_suite!(Wrapped);
    idem_conformance::quota_suite!(Wrapped);
    idem_conformance::wakeup_suite!(Wrapped);
}
