//! The example of `idem-conformance/README.md`.

use std::time::Duration;

use idem_conformance::StoreHarness;
use idem_core::MemoryStore;

struct Memory(MemoryStore);

impl StoreHarness for Memory {
    type Store = MemoryStore;

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
