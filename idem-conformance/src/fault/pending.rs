//! A wrapper that replies as late as a remote store.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use idem_core::store::{
    Changed, Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, HealthIssue,
    IdempotencyStore, RecordId, StoreError, StoreFuture, Update,
};
use tokio::task::yield_now;

/// A wrapper that applies and answers each call at the second poll of its future, as a remote store does.
///
/// An in-memory store replies at the first poll. With this wrapper it also exercises the engine's path for
/// pending replies, on which a caller can disconnect before the reply arrives.
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

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.call(move |store| store.renew(claim, lease, hold))
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.call(move |store| store.resume_run(claim, lease, hold))
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.call(move |store| store.complete(claim, completion, retention))
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

    fn check(&self) -> StoreFuture<Vec<HealthIssue>> {
        self.call(S::check)
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }
}
