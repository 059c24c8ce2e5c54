//! The memory store keeps every rule, alone and behind a store that answers like a remote one, and some
//! of its own.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod bounds;
mod changed;

use std::sync::Arc;
use std::time::Duration;

use idem_conformance::{FaultStore, Pending, Subject};
use idem_core::MemoryStore;
use idem_core::store::IdempotencyStore;

/// Its clock is moved, so that an hour passes at once and no rule depends on the machine's speed.
const UNIT: Duration = Duration::from_secs(60);

mod plain {
    use super::{Duration, MemoryStore, Subject, UNIT};

    struct Memory(MemoryStore);

    impl Subject for Memory {
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

        async fn pass(&self, time: Duration) {
            self.0.advance_clock(time);
        }
    }

    idem_conformance::store_suite!(Memory);
    idem_conformance::quota_suite!(Memory);
    idem_conformance::delete_suite!(Memory);
    idem_conformance::push_suite!(Memory);
}

/// The wrappers that the fault tests rely on change nothing while all is well, nor does an `Arc`.
mod wrapped {
    use super::{Arc, Duration, FaultStore, IdempotencyStore, MemoryStore, Pending, Subject, UNIT};

    struct Wrapped {
        store: FaultStore<Pending<Arc<dyn IdempotencyStore>>>,
        memory: MemoryStore,
    }

    impl Subject for Wrapped {
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

        async fn pass(&self, time: Duration) {
            self.memory.advance_clock(time);
        }
    }

    idem_conformance::store_suite!(Wrapped);
    idem_conformance::quota_suite!(Wrapped);
    idem_conformance::push_suite!(Wrapped);
}
