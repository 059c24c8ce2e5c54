//! A transaction wrapper that injects faults into commit and rollback.

use std::time::Duration;

use idem_core::store::{Claim, Completion, StoreFuture, Transaction, Update};

use super::faults::Faults;
use super::inject::{counted, inject};
use super::kind::Kind;

/// A wrapper around a transaction. Its commit counts as a completion, its rollback as a release.
/// [`Fault::Twice`](super::Fault::Twice) has no effect, because a transaction ends only once.
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
        let reply = inject(faults.call(kind), &faults, move || end(transaction));
        counted(reply, &faults, kind)
    }
}

impl Transaction for FaultTransaction {
    fn claim(&self) -> Claim {
        self.transaction.claim()
    }

    fn commit(self: Box<Self>, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        self.end(Kind::Complete, move |transaction| transaction.commit(completion, ttl))
    }

    fn commit_without_writes(
        self: Box<Self>,
        completion: Completion,
        ttl: Duration,
    ) -> StoreFuture<Update> {
        self.end(Kind::Complete, move |transaction| {
            transaction.commit_without_writes(completion, ttl)
        })
    }

    fn roll_back(self: Box<Self>) -> StoreFuture<()> {
        self.end(Kind::Release, <dyn Transaction>::roll_back)
    }
}
