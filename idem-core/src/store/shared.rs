//! The implementation for `Arc`, so that a store can be shared or chosen at run time.

use std::sync::Arc;
use std::time::Duration;

use super::{
    Changed, ClaimOutcome, ClaimRequest, HealthIssue, IdempotencyStore, RecordAdmin, StoreFuture,
    Transactions, Update,
};
use crate::model::{Claim, ClaimNonce, Completion, RecordId};

impl<S: IdempotencyStore + ?Sized> IdempotencyStore for Arc<S> {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        (**self).claim(id, request)
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        (**self).renew(claim, lease, hold)
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        (**self).resume_run(claim, lease, hold)
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        (**self).complete(claim, completion, retention)
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        (**self).release(claim)
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        (**self).abandon(id, nonce)
    }

    fn changed(&self, id: RecordId) -> Changed {
        (**self).changed(id)
    }

    fn transactions(&self) -> Option<&dyn Transactions> {
        (**self).transactions()
    }

    fn records(&self) -> Option<&dyn RecordAdmin> {
        (**self).records()
    }

    fn check(&self) -> StoreFuture<Vec<HealthIssue>> {
        (**self).check()
    }

    fn name(&self) -> &'static str {
        (**self).name()
    }
}
