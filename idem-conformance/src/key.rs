//! One key of the store under test, and what a rule does with it.

use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, IdempotencyStore,
    RecordId, State, Update,
};
use std::time::Duration;

use crate::subject::{Case, Subject};
use crate::terms;

pub(crate) struct Key<S> {
    pub(crate) case: Case<S>,
    pub(crate) id: RecordId,
}

impl<S> Clone for Key<S> {
    fn clone(&self) -> Self {
        Self { case: self.case.clone(), id: self.id }
    }
}

impl<S: Subject> Key<S> {
    pub(crate) async fn claim(&self, request: ClaimRequest) -> ClaimOutcome {
        self.case.store().claim(self.id, request).await.expect("claim")
    }

    /// A claim that must be won.
    pub(crate) async fn won(&self, request: ClaimRequest) -> Claim {
        match self.claim(request).await {
            ClaimOutcome::Acquired(claim) => claim,
            other => panic!("the claim should have been won, got {other:?}"),
        }
    }

    /// A claim that must be lost.
    pub(crate) async fn lost(&self, request: ClaimRequest) -> ExistingRecord {
        match self.claim(request).await {
            ClaimOutcome::Exists(existing) => existing,
            other => panic!("the claim should have been lost, got {other:?}"),
        }
    }

    /// What stands there, seen by a caller that takes nothing over.
    pub(crate) async fn state(&self) -> State {
        self.lost(terms::at_most_once()).await.state
    }

    /// Asserts that nothing stands there, by claiming it. Returns that first claim.
    pub(crate) async fn absent(&self) -> Claim {
        let claim = self.won(terms::at_most_once()).await;
        assert_eq!(claim.attempt, 1, "a new key starts at attempt 1");
        claim
    }

    pub(crate) async fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> Update {
        self.case.store().renew(claim, lease, ttl).await.expect("renew")
    }

    pub(crate) async fn complete(&self, claim: Claim, completion: Completion) -> Update {
        self.complete_for(claim, completion, terms::LONG).await
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

    /// Asserts that `claim` can change nothing any more, while `standing` stands there.
    pub(crate) async fn assert_fenced(&self, claim: Claim, standing: Option<ExistingRecord>) {
        assert_lost(&self.renew(claim, terms::LONG, terms::LONG).await, "renew");
        assert_lost(&self.release(claim).await, "release");
        assert_lost(&self.abandon(claim.nonce).await, "abandon");
        let completed = self.complete(claim, terms::answered("late")).await;
        assert_eq!(completed, Update::Stale(standing.map(Box::new)));
    }
}

/// Only `complete` promises to tell what stands there.
pub(crate) fn assert_lost(fenced: &Update, call: &str) {
    assert!(matches!(fenced, Update::Stale(_)), "{call} by a stale claim must be lost");
}
