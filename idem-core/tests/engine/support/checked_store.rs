//! Stores that fail, and stores with a check.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idem_core::MemoryStore;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, HealthIssue, IdempotencyStore, RecordId,
    StoreError, StoreFuture, Update,
};

use super::forward;

type Check = StoreFuture<Vec<HealthIssue>>;

/// A memory store whose check the test defines, or whose claims and completions fail.
#[derive(Clone)]
pub(crate) struct CheckedStore {
    store: MemoryStore,
    check: Arc<dyn Fn() -> Check + Send + Sync>,
    checks: Arc<AtomicUsize>,
    failure: Option<fn() -> StoreError>,
}

impl CheckedStore {
    pub(crate) fn new(check: impl Fn() -> Check + Send + Sync + 'static) -> Self {
        let (store, checks) = (MemoryStore::new(), Arc::default());
        Self { store, check: Arc::new(check), checks, failure: None }
    }

    /// The number of checks.
    pub(crate) fn checks(&self) -> usize {
        self.checks.load(Ordering::SeqCst)
    }
}

/// A store that cannot be reached.
pub(crate) fn broken_store() -> CheckedStore {
    failing(|| StoreError::not_done("the port is closed"))
}

/// A store that cannot read its records.
pub(crate) fn unreadable_store() -> CheckedStore {
    failing(|| StoreError::corrupt("the record is damaged"))
}

fn failing(failure: fn() -> StoreError) -> CheckedStore {
    let healthy = || StoreFuture::ready(Ok(Vec::new()));
    CheckedStore { failure: Some(failure), ..CheckedStore::new(healthy) }
}

impl fmt::Debug for CheckedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedStore")
    }
}

impl IdempotencyStore for CheckedStore {
    forward! { renew, resume_run, release, abandon }

    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        match self.failure {
            Some(failure) => StoreFuture::ready(Err(failure())),
            None => self.store.claim(id, request),
        }
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        match self.failure {
            Some(failure) => StoreFuture::ready(Err(failure())),
            None => self.store.complete(claim, completion, retention),
        }
    }

    fn check(&self) -> Check {
        self.checks.fetch_add(1, Ordering::SeqCst);
        (self.check)()
    }
}
