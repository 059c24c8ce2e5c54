//! Stores on a file, and requests and responses for them.

pub(crate) use idem_testkit::records::{
    HOUR, claim_new, completed, completion, error_kind, existing, new_id, request, response,
};

use std::time::Duration;

use idem_sqlite::{SqliteStore, SqliteStoreBuilder};
use idem_testkit::servers::SqliteFile;

/// Longer than a busy machine needs.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// A builder for a store that does not sweep by itself, and whose limit a busy machine keeps.
pub(crate) fn builder() -> SqliteStoreBuilder {
    SqliteStore::builder().sweep_every(None).wait_timeout(TIMEOUT)
}

pub(crate) async fn store(file: &SqliteFile) -> SqliteStore {
    builder().open(file.path()).await.unwrap()
}

/// An error with its sources, as a log shows it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
