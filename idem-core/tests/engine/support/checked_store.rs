//! Stores that fail, and stores with a check.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idem_core::MemoryStore;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, HealthIssue, IdempotencyStore,
    RecordId, StoreError, StoreFuture, Update,
};

type Check = StoreFuture<Vec<HealthIssue>>;

/// A memory store whose check the test defines, or that refuses all claims.
#[derive(Clone)]
pub(crate) struct CheckedStore {
    store: MemoryStore,
    check: Arc<dyn Fn() -> Check + Send + Sync>,
    checks: Arc<AtomicUsize>,
    is_broken: bool,
}

impl CheckedStore {
    pub(crate) fn new(check: impl Fn() -> Check + Send + Sync + 'static) -> Self {
        let (store, checks) = (MemoryStore::new(), Arc::default());
        Self { store, check: Arc::new(check), checks, is_broken: false }
    }

    /// The number of checks.
    pub(crate) fn checks(&self) -> usize {
        self.checks.load(Ordering::SeqCst)
    }
}

/// A store that refuses all claims.
pub(crate) fn broken_store() -> CheckedStore {
    CheckedStore { is_broken: true, ..CheckedStore::new(|| StoreFuture::ready(Ok(Vec::new()))) }
}

impl fmt::Debug for CheckedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedStore")
    }
}

impl IdempotencyStore for CheckedStore {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        match self.is_broken {
            true => StoreFuture::ready(Err(StoreError::not_done("the port is closed"))),
            false => self.store.claim(id, request),
        }
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.store.renew(claim, lease, hold)
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.store.resume_run(claim, lease, hold)
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.store.complete(claim, completion, retention)
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.store.release(claim)
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.store.abandon(id, nonce)
    }

    fn check(&self) -> Check {
        self.checks.fetch_add(1, Ordering::SeqCst);
        (self.check)()
    }
}
