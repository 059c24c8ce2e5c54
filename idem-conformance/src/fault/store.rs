//! The store that faults happen to.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use idem_core::store::{Changed, OpenOutcome, TransactionSlot, Transactions};
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId,
    StoreError, StoreFuture, Update,
};

use super::faults::Faults;
use super::kind::Kind;
use super::plan::Fault;
use super::transaction::FaultTransaction;

/// A store over another one to which [`Fault`]s happen. Where none does, it answers as the store below:
/// at once, if that does.
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
    /// Wraps `store`, where all is well until the handle says otherwise.
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
            fault => meet(fault, &self.faults, move || send(&store)),
        };
        answered(reply, &self.faults, kind)
    }
}

impl<S: IdempotencyStore> IdempotencyStore for FaultStore<S> {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.call(Kind::Claim, move |store| store.claim(id, request))
    }

    fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> StoreFuture<Update> {
        self.call(Kind::Renew, move |store| store.renew(claim, lease, ttl))
    }

    fn complete(&self, claim: Claim, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        self.call(Kind::Complete, move |store| store.complete(claim, completion.clone(), ttl))
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

    fn transactions(&self) -> Option<&dyn Transactions> {
        self.store.transactions().is_some().then_some(self)
    }
}

/// The faults of a claim happen to the opening of a transaction, and those of the calls that end a run to
/// its end.
impl<S: IdempotencyStore> Transactions for FaultStore<S> {
    fn open(
        &self,
        id: RecordId,
        request: ClaimRequest,
        slot: TransactionSlot,
    ) -> StoreFuture<OpenOutcome> {
        let opened = self.call(Kind::Claim, move |store| match store.transactions() {
            Some(transactions) => transactions.open(id, request, slot.clone()),
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

/// A call that is made once, if `fault` lets it. What is not sent is dropped; a transaction is rolled back
/// by that.
pub(super) fn meet<T>(
    fault: Option<Fault>,
    faults: &Faults,
    send: impl FnOnce() -> StoreFuture<T> + Send + 'static,
) -> StoreFuture<T>
where
    T: Send + Unpin + 'static,
{
    match fault {
        None | Some(Fault::Twice) => send(),
        Some(Fault::Down) => {
            StoreFuture::ready(Err(StoreError::not_done("injected: the store is down")))
        }
        Some(Fault::Hang) => StoreFuture::new(pending()),
        Some(Fault::LostReply) => {
            then(send(), |_| Err(StoreError::unknown("injected: the answer was lost")))
        }
        Some(Fault::NoReply) => {
            let sent = then(send(), Ok);
            StoreFuture::new(async move {
                drop(sent.await);
                pending().await
            })
        }
        Some(Fault::Late) => {
            let held = faults.hold();
            StoreFuture::new(async move {
                held.await;
                send().await
            })
        }
    }
}

/// Counts the answer when it is there.
pub(super) fn answered<T>(reply: StoreFuture<T>, faults: &Faults, kind: Kind) -> StoreFuture<T>
where
    T: Send + Unpin + 'static,
{
    let faults = faults.clone();
    then(reply, move |answer| {
        faults.answer(kind);
        answer
    })
}

/// Changes an answer, at once if it is there already, so that what was ready stays ready.
fn then<T, U>(
    mut reply: StoreFuture<T>,
    change: impl FnOnce(Result<T, StoreError>) -> Result<U, StoreError> + Send + 'static,
) -> StoreFuture<U>
where
    T: Send + Unpin + 'static,
{
    let polled = pin!(&mut reply).poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(answer) => StoreFuture::ready(change(answer)),
        Poll::Pending => StoreFuture::new(async move { change(reply.await) }),
    }
}
