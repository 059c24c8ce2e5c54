use std::time::Duration;

use idem_conformance::StoreHarness;

struct Map(MapStore);

impl StoreHarness for Map {
    type Store = MapStore;

    async fn fresh() -> Self {
        Self(MapStore::new())
    }

    fn store(&self) -> &MapStore {
        &self.0
    }

    async fn advance(&self, time: Duration) {
        tokio::time::sleep(time).await; // the clock of this store cannot be moved
    }
}

idem_conformance::store_suite!(Map);
idem_conformance::delete_suite!(Map);
