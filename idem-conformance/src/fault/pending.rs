//! A remote store's way of answering.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use idem_core::store::Changed;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId,
    StoreError, StoreFuture, Update,
};
use tokio::task::yield_now;

/// Answers as a remote store does: each call is applied, and answered, at the second poll of its future.
/// So a store in memory takes the engine's other path too, where a caller can leave before the answer.
#[derive(Debug)]
pub struct Pending<S>(Arc<S>);

impl<S: IdempotencyStore> Pending<S> {
    /// Wraps `store`.
    pub fn new(store: S) -> Self {
        Self(Arc::new(store))
    }

    fn call<T, F>(&self, send: impl FnOnce(&S) -> F + Send + 'static) -> StoreFuture<T>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let store = Arc::clone(&self.0);
        StoreFuture::new(async move {
            yield_now().await;
            send(&store).await
        })
    }
}

impl<S: IdempotencyStore> IdempotencyStore for Pending<S> {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.call(move |store| store.claim(id, request))
    }

    fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> StoreFuture<Update> {
        self.call(move |store| store.renew(claim, lease, ttl))
    }

    fn complete(&self, claim: Claim, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        self.call(move |store| store.complete(claim, completion, ttl))
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.call(move |store| store.release(claim))
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.call(move |store| store.abandon(id, nonce))
    }

    fn changed(&self, id: RecordId) -> Changed {
        self.0.changed(id)
    }
}
