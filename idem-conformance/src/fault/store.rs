//! The store that injects faults.

use std::sync::Arc;
use std::time::Duration;

use idem_core::store::{
    Changed, Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, HealthIssue,
    IdempotencyStore, OpenOutcome, RecordAdmin, RecordId, StoreError, StoreFuture, TransactionSlot,
    Transactions, Update,
};

use super::faults::Faults;
use super::inject::{counted, inject, then};
use super::kind::Kind;
use super::plan::Fault;
use super::transaction::FaultTransaction;

/// A wrapper around a store that injects [`Fault`]s into its calls.
///
/// A call without a fault behaves like the call of the wrapped store. In particular, its reply is ready
/// immediately if the wrapped store's reply is.
///
/// ```
/// use idem_conformance::{Fault, FaultStore, Kind};
/// use idem_core::{Idempotency, MemoryStore};
///
/// let (store, faults) = FaultStore::new(MemoryStore::new());
/// let idempotency = Idempotency::new(store);
/// faults.inject(Kind::ENDS, Fault::Down);
/// faults.heal();
/// assert_eq!(faults.calls().total(), 0);
/// ```
#[derive(Debug)]
pub struct FaultStore<S> {
    store: Arc<S>,
    faults: Faults,
}

impl<S> Clone for FaultStore<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), faults: self.faults.clone() }
    }
}

impl<S: IdempotencyStore> FaultStore<S> {
    /// Wraps `store`, and returns the handle that selects the faults. Initially there are none.
    pub fn new(store: S) -> (Self, Faults) {
        let faults = Faults::default();
        (Self { store: Arc::new(store), faults: faults.clone() }, faults)
    }

    fn call<T>(
        &self,
        kind: Kind,
        send: impl Fn(&S) -> StoreFuture<T> + Send + Sync + 'static,
    ) -> StoreFuture<T>
    where
        T: Send + Unpin + 'static,
    {
        let store = Arc::clone(&self.store);
        let reply = match self.faults.call(kind) {
            Some(Fault::Twice) => StoreFuture::new(async move {
                drop(send(&store).await);
                send(&store).await
            }),
            fault => inject(fault, &self.faults, move || send(&store)),
        };
        counted(reply, &self.faults, kind)
    }
}

impl<S: IdempotencyStore> IdempotencyStore for FaultStore<S> {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.call(Kind::Claim, move |store| store.claim(id, request.clone()))
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.call(Kind::Renew, move |store| store.renew(claim, lease, hold))
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.call(Kind::ResumeRun, move |store| store.resume_run(claim, lease, hold))
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.call(Kind::Complete, move |store| store.complete(claim, completion.clone(), retention))
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.call(Kind::Release, move |store| store.release(claim))
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.call(Kind::Abandon, move |store| store.abandon(id, nonce))
    }

    fn changed(&self, id: RecordId) -> Changed {
        self.store.changed(id)
    }

    fn check(&self) -> StoreFuture<Vec<HealthIssue>> {
        self.call(Kind::Check, S::check)
    }

    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn transactions(&self) -> Option<&dyn Transactions> {
        self.store.transactions().is_some().then_some(self)
    }

    /// Without faults: the calls of operators and the audit log go to the wrapped store.
    fn records(&self) -> Option<&dyn RecordAdmin> {
        self.store.records()
    }
}

/// Opening a transaction counts as a claim. Its commit counts as a completion, its rollback as a release.
impl<S: IdempotencyStore> Transactions for FaultStore<S> {
    fn open(
        &self,
        id: RecordId,
        request: ClaimRequest,
        slot: TransactionSlot,
    ) -> StoreFuture<OpenOutcome> {
        let opened = self.call(Kind::Claim, move |store| match store.transactions() {
            Some(transactions) => transactions.open(id, request.clone(), slot.clone()),
            None => StoreFuture::ready(Err(StoreError::not_done("the store has no transactions"))),
        });
        let faults = self.faults.clone();
        then(opened, move |opened| {
            opened.map(|opened| match opened {
                OpenOutcome::Opened(transaction) => {
                    OpenOutcome::Opened(Box::new(FaultTransaction { transaction, faults }))
                }
                other => other,
            })
        })
    }
}
