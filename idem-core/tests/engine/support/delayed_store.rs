//! A store whose calls are pending for a number of polls.

use std::time::Duration;

use idem_core::MemoryStore;
use idem_core::store::Changed;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId,
    StoreFuture, Update,
};
use tokio::task::yield_now;

/// A memory store with delays. Each call is pending `before` times until it is applied, and `after` times
/// until its reply arrives. Tests pause the time, so that a busy machine reaches no timeout of a pending call.
#[derive(Clone, Debug)]
pub(crate) struct DelayedStore {
    pub(crate) store: MemoryStore,
    pub(crate) before: usize,
    pub(crate) after: usize,
}

impl DelayedStore {
    /// Empty stores, the first without a delay and the others with longer and longer delays.
    pub(crate) fn with_all_delays() -> impl Iterator<Item = Self> {
        let delays = [(0, 0), (1, 0), (0, 1), (1, 1), (3, 3)];
        delays.into_iter().map(|(before, after)| Self { store: MemoryStore::new(), before, after })
    }

    /// An empty store with the same delays.
    pub(crate) fn without_records(&self) -> Self {
        Self { store: MemoryStore::new(), ..*self }
    }

    fn send<T: Send + Unpin + 'static>(
        &self,
        apply: impl FnOnce(&MemoryStore) -> StoreFuture<T> + Send + 'static,
    ) -> StoreFuture<T> {
        let Self { store, before, after } = self.clone();
        if before + after == 0 {
            return apply(&store);
        }
        StoreFuture::new(async move {
            yields(before).await;
            let reply = apply(&store).await;
            yields(after).await;
            reply
        })
    }
}

async fn yields(times: usize) {
    for _ in 0..times {
        yield_now().await;
    }
}

impl IdempotencyStore for DelayedStore {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.send(move |store| store.claim(id, request))
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.send(move |store| store.renew(claim, lease, hold))
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.send(move |store| store.resume_run(claim, lease, hold))
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.send(move |store| store.complete(claim, completion, retention))
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.send(move |store| store.release(claim))
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.send(move |store| store.abandon(id, nonce))
    }

    fn changed(&self, id: RecordId) -> Changed {
        self.store.changed(id)
    }
}
