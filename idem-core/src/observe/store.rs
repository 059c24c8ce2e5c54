//! A store whose calls are observed.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::transaction::ObservedTransaction;
use super::{Event, StoreCall, Watch};
use crate::model::{Claim, ClaimNonce, Completion, RecordId, StoreError};
use crate::store::{
    Changed, ClaimOutcome, ClaimRequest, HealthIssue, IdempotencyStore, OpenOutcome, RecordAdmin,
    StoreFuture, TransactionSlot, Transactions, Update,
};

/// Passes the calls on, and emits an event for each reply. Only a service with an observer has one.
pub(crate) struct ObservedStore {
    store: Arc<dyn IdempotencyStore>,
    timer: Timer,
}

/// Emits the events of a store.
#[derive(Clone)]
pub(super) struct Timer {
    watch: Watch,
    store: &'static str,
}

impl ObservedStore {
    pub(crate) fn new(store: Arc<dyn IdempotencyStore>, watch: Watch) -> Self {
        let timer = Timer { watch, store: store.name() };
        Self { store, timer }
    }
}

impl Timer {
    /// Sends a call, and emits an event when its reply is there. A ready reply stays ready.
    pub(super) fn time<T: Send + Unpin + 'static>(
        &self,
        call: StoreCall,
        send: impl FnOnce() -> StoreFuture<T>,
    ) -> StoreFuture<T> {
        let sent_at = Instant::now();
        match send().into_ready() {
            Ok(reply) => {
                self.emit(call, sent_at, &reply);
                StoreFuture::ready(reply)
            }
            Err(pending) => {
                let timer = self.clone();
                StoreFuture::new(async move {
                    let reply = pending.await;
                    timer.emit(call, sent_at, &reply);
                    reply
                })
            }
        }
    }

    fn emit<T>(&self, call: StoreCall, sent_at: Instant, reply: &Result<T, StoreError>) {
        self.watch.emit(|| Event::StoreCall {
            store: self.store,
            call,
            took: sent_at.elapsed(),
            error: reply.as_ref().err().map(StoreError::kind),
        });
    }
}

/// Shows the store itself, because the text names it in errors.
impl fmt::Debug for ObservedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

impl IdempotencyStore for ObservedStore {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.timer.time(StoreCall::Claim, || self.store.claim(id, request))
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.timer.time(StoreCall::Renew, || self.store.renew(claim, lease, hold))
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.timer.time(StoreCall::ResumeRun, || self.store.resume_run(claim, lease, hold))
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.timer.time(StoreCall::Complete, || self.store.complete(claim, completion, retention))
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.timer.time(StoreCall::Release, || self.store.release(claim))
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.timer.time(StoreCall::Abandon, || self.store.abandon(id, nonce))
    }

    fn changed(&self, id: RecordId) -> Changed {
        self.store.changed(id)
    }

    fn transactions(&self) -> Option<&dyn Transactions> {
        self.store.transactions().map(|_| self as &dyn Transactions)
    }

    fn records(&self) -> Option<&dyn RecordAdmin> {
        self.store.records()
    }

    fn check(&self) -> StoreFuture<Vec<HealthIssue>> {
        self.timer.time(StoreCall::Check, || self.store.check())
    }

    fn name(&self) -> &'static str {
        self.store.name()
    }
}

impl Transactions for ObservedStore {
    fn open(
        &self,
        id: RecordId,
        request: ClaimRequest,
        slot: TransactionSlot,
    ) -> StoreFuture<OpenOutcome> {
        let Some(transactions) = self.store.transactions() else {
            return StoreFuture::ready(Err(StoreError::not_done(NoTransactions)));
        };
        let opening = self.timer.time(StoreCall::Open, || transactions.open(id, request, slot));
        let timer = self.timer.clone();
        StoreFuture::new(async move {
            Ok(match opening.await? {
                OpenOutcome::Opened(transaction) => {
                    OpenOutcome::Opened(Box::new(ObservedTransaction::new(transaction, timer)))
                }
                other => other,
            })
        })
    }
}

/// The store had transactions before, and has none now.
#[derive(Debug, thiserror::Error)]
#[error("the store has no transactions any more")]
struct NoTransactions;
