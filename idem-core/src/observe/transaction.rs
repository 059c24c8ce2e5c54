//! A transaction whose end is observed.

use std::fmt;
use std::time::Duration;

use super::StoreCall;
use super::store::Timer;
use crate::model::{Claim, Completion};
use crate::store::{StoreFuture, Transaction, Update};

/// Passes the calls on, and emits an event for the end.
pub(super) struct ObservedTransaction {
    transaction: Box<dyn Transaction>,
    timer: Timer,
}

impl ObservedTransaction {
    pub(super) const fn new(transaction: Box<dyn Transaction>, timer: Timer) -> Self {
        Self { transaction, timer }
    }
}

impl fmt::Debug for ObservedTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.transaction.fmt(f)
    }
}

impl Transaction for ObservedTransaction {
    fn claim(&self) -> Claim {
        self.transaction.claim()
    }

    fn commit(self: Box<Self>, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        let Self { transaction, timer } = *self;
        timer.time(StoreCall::Commit, || transaction.commit(completion, ttl))
    }

    fn commit_without_writes(
        self: Box<Self>,
        completion: Completion,
        ttl: Duration,
    ) -> StoreFuture<Update> {
        let Self { transaction, timer } = *self;
        timer.time(StoreCall::Commit, || transaction.commit_without_writes(completion, ttl))
    }

    fn roll_back(self: Box<Self>) -> StoreFuture<()> {
        let Self { transaction, timer } = *self;
        timer.time(StoreCall::RollBack, || transaction.roll_back())
    }
}
