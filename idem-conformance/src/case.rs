//! The environment of one rule, and the keys that the rule uses.

use std::sync::Arc;
use std::time::Duration;

use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, IdempotencyStore,
    RecordId, State, Update,
};

use crate::fixtures;
use crate::harness::StoreHarness;

/// The harness of one rule. Clones share it.
#[derive(Debug)]
pub struct Case<S>(Arc<S>);

impl<S> Clone for Case<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: StoreHarness> Case<S> {
    pub(crate) async fn fresh() -> Self {
        Self(Arc::new(S::fresh().await))
    }

    pub(crate) fn store(&self) -> &S::Store {
        self.0.store()
    }

    /// Returns an unused key.
    pub(crate) fn key(&self) -> Key<S> {
        self.key_at(rand::random())
    }

    pub(crate) fn key_at(&self, id: [u8; 32]) -> Key<S> {
        Key { case: self.clone(), id: RecordId::from_bytes(id) }
    }

    pub(crate) async fn advance(&self, units: u32) {
        self.advance_by(S::UNIT * units).await;
    }

    pub(crate) async fn advance_by(&self, time: Duration) {
        self.0.advance(time).await;
    }
}

/// One key of the store under test.
pub(crate) struct Key<S> {
    pub(crate) case: Case<S>,
    pub(crate) id: RecordId,
}

impl<S> Clone for Key<S> {
    fn clone(&self) -> Self {
        Self { case: self.case.clone(), id: self.id }
    }
}

impl<S: StoreHarness> Key<S> {
    pub(crate) async fn claim(&self, request: ClaimRequest) -> ClaimOutcome {
        self.case.store().claim(self.id, request).await.expect("claim")
    }

    /// Claims the key and asserts that the claim is acquired.
    pub(crate) async fn acquire(&self, request: ClaimRequest) -> Claim {
        match self.claim(request).await {
            ClaimOutcome::Acquired(claim) => claim,
            other => panic!("expected an acquired claim, got {other:?}"),
        }
    }

    /// Claims the key and asserts that a record exists.
    pub(crate) async fn find_existing(&self, request: ClaimRequest) -> ExistingRecord {
        match self.claim(request).await {
            ClaimOutcome::Exists(existing) => existing,
            other => panic!("expected an existing record, got {other:?}"),
        }
    }

    /// Returns the state of the record, as a duplicate that cannot take over sees it.
    pub(crate) async fn state(&self) -> State {
        self.find_existing(fixtures::at_most_once()).await.state
    }

    /// Asserts that the key has no record by claiming it, and returns the claim.
    pub(crate) async fn assert_new(&self) -> Claim {
        let claim = self.acquire(fixtures::at_most_once()).await;
        assert_eq!(claim.attempt, 1, "a new key starts at attempt 1");
        claim
    }

    pub(crate) async fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> Update {
        self.case.store().renew(claim, lease, ttl).await.expect("renew")
    }

    pub(crate) async fn complete(&self, claim: Claim, completion: Completion) -> Update {
        self.complete_for(claim, completion, fixtures::LONG).await
    }

    pub(crate) async fn complete_for(
        &self,
        claim: Claim,
        completion: Completion,
        ttl: Duration,
    ) -> Update {
        self.case.store().complete(claim, completion, ttl).await.expect("complete")
    }

    pub(crate) async fn release(&self, claim: Claim) -> Update {
        self.case.store().release(claim).await.expect("release")
    }

    pub(crate) async fn abandon(&self, nonce: ClaimNonce) -> Update {
        self.case.store().abandon(self.id, nonce).await.expect("abandon")
    }

    /// Asserts that every change by `claim` is rejected, and that `complete` returns `existing`.
    pub(crate) async fn assert_rejected(&self, claim: Claim, existing: Option<ExistingRecord>) {
        assert_stale(&self.renew(claim, fixtures::LONG, fixtures::LONG).await, "renew");
        assert_stale(&self.release(claim).await, "release");
        assert_stale(&self.abandon(claim.nonce).await, "abandon");
        let completed = self.complete(claim, fixtures::with_response("late")).await;
        assert_eq!(completed, Update::Stale(existing.map(Box::new)));
    }
}

/// Asserts that the update is stale. Its content is not compared: only `complete` must return the record.
pub(crate) fn assert_stale(update: &Update, call: &str) {
    assert!(matches!(update, Update::Stale(_)), "{call} by a stale claim must be rejected");
}
