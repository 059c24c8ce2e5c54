//! The conformance suite, each rule on a file of its own.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::Duration;

use idem_conformance::StoreHarness;
use idem_sqlite::SqliteStore;
use idem_testkit::servers::SqliteFile;

/// The limit for calls. A busy machine takes longer than the default, and no rule is about it.
const TIMEOUT: Duration = Duration::from_secs(60);

struct Sqlite {
    store: SqliteStore,
    file: SqliteFile,
}

impl StoreHarness for Sqlite {
    type Store = SqliteStore;
    /// The tests move the clock of the file, so no rule depends on the speed of the machine.
    const UNIT: Duration = Duration::from_secs(600);

    async fn fresh() -> Self {
        let file = SqliteFile::new();
        let builder = SqliteStore::builder().sweep_every(None).wait_timeout(TIMEOUT);
        Self { store: builder.open(file.path()).await.unwrap(), file }
    }

    fn store(&self) -> &SqliteStore {
        &self.store
    }

    async fn advance(&self, time: Duration) {
        self.file.advance(time);
    }
}

idem_conformance::store_suite!(Sqlite);
idem_conformance::admin_suite!(Sqlite, with: wakeups);
idem_conformance::quota_suite!(Sqlite);
idem_conformance::wakeup_suite!(Sqlite);
idem_conformance::delete_suite!(Sqlite);
