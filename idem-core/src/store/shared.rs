//! The implementation for `Arc`, so that a store can be shared or chosen at run time.

use std::sync::Arc;
use std::time::Duration;

use super::{
    Changed, ClaimOutcome, ClaimRequest, IdempotencyStore, StoreFuture, Transactions, Update,
};
use crate::model::{Claim, ClaimNonce, Completion, RecordId};

impl<S: IdempotencyStore + ?Sized> IdempotencyStore for Arc<S> {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        (**self).claim(id, request)
    }

    fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> StoreFuture<Update> {
        (**self).renew(claim, lease, ttl)
    }

    fn complete(&self, claim: Claim, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        (**self).complete(claim, completion, ttl)
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
}
