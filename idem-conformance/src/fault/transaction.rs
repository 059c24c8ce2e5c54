//! The transaction whose end faults happen to.

use std::time::Duration;

use idem_core::store::Transaction;
use idem_core::store::{Claim, Completion, StoreFuture, Update};

use super::faults::Faults;
use super::kind::Kind;
use super::store::{answered, meet};

/// A transaction over another one. Its end is a completion or, if it is rolled back, a release; nothing can
/// be ended [twice](super::Fault::Twice).
#[derive(Debug)]
pub(super) struct FaultTransaction {
    pub(super) transaction: Box<dyn Transaction>,
    pub(super) faults: Faults,
}

impl FaultTransaction {
    fn end<T>(
        self,
        kind: Kind,
        end: impl FnOnce(Box<dyn Transaction>) -> StoreFuture<T> + Send + 'static,
    ) -> StoreFuture<T>
    where
        T: Send + Unpin + 'static,
    {
        let Self { transaction, faults } = self;
        let reply = meet(faults.call(kind), &faults, move || end(transaction));
        answered(reply, &faults, kind)
    }
}

impl Transaction for FaultTransaction {
    fn claim(&self) -> Claim {
        self.transaction.claim()
    }

    fn commit(self: Box<Self>, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        self.end(Kind::Complete, move |transaction| transaction.commit(completion, ttl))
    }

    fn refuse(self: Box<Self>, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        self.end(Kind::Complete, move |transaction| transaction.refuse(completion, ttl))
    }

    fn roll_back(self: Box<Self>) -> StoreFuture<()> {
        self.end(Kind::Release, <dyn Transaction>::roll_back)
    }
}
