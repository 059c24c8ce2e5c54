//! A store that never answers at once.

use std::time::Duration;

use idem_core::MemoryStore;
use idem_core::store::Changed;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId,
    StoreFuture, Update,
};
use tokio::task::yield_now;

/// Every call of the store within is pending `before` times until it is applied, and `after` times
/// until its reply is there.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) store: MemoryStore,
    pub(crate) before: usize,
    pub(crate) after: usize,
}

impl Remote {
    /// A fresh store whose calls answer at once, and others that are further away.
    pub(crate) fn at_all_distances() -> impl Iterator<Item = Self> {
        let delays = [(0, 0), (1, 0), (0, 1), (1, 1), (3, 3)];
        delays.into_iter().map(|(before, after)| Self { store: MemoryStore::new(), before, after })
    }

    /// The same store at the same distance, without records.
    pub(crate) fn emptied(&self) -> Self {
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

impl IdempotencyStore for Remote {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.send(move |store| store.claim(id, request))
    }

    fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> StoreFuture<Update> {
        self.send(move |store| store.renew(claim, lease, ttl))
    }

    fn complete(&self, claim: Claim, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        self.send(move |store| store.complete(claim, completion, ttl))
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
