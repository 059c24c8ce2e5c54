//! Handlers that run inside a transaction of the store.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Capacity, ClaimRequest, ExistingRecord, StoreFuture, Update};
use crate::model::{Claim, Completion, RecordId};

/// An optional capability of a store: transactions that contain the claim, the handler's writes and the completion.
///
/// All three are committed together or not at all. See
/// [exactly once effect](crate::rules::guarantees#exactly-once-effect).
pub trait Transactions: Send + Sync {
    /// Begins a transaction, claims `id` in it and puts the handler's connection into `slot`.
    ///
    /// It must not wait for another transaction. A key that another open transaction has claimed is reported as
    /// [`Running`](crate::store::State::Running), and no connection is held for its duplicates.
    fn open(
        &self,
        id: RecordId,
        request: ClaimRequest,
        slot: TransactionSlot,
    ) -> StoreFuture<OpenOutcome>;
}

/// The reply to [`Transactions::open`].
#[derive(Debug)]
#[must_use]
pub enum OpenOutcome {
    /// The key is claimed for as long as the transaction is open.
    Opened(Box<dyn Transaction>),
    /// The key is taken by this record.
    Exists(ExistingRecord),
    /// The key is new, and its scope or the store is full.
    AtCapacity(Capacity),
}

/// An open transaction that has claimed a key. It is rolled back if it is dropped.
///
/// [`commit`](Self::commit), [`commit_without_writes`](Self::commit_without_writes) and [`roll_back`](Self::roll_back) take the handler's connection
/// out of the slot. If the handler did not return it, nothing is committed, and the error states that.
///
/// The engine drives these calls to their end, however long they take. Its caller waits for at most twice the
/// [store timeout](crate::IdempotencyBuilder::store_timeout), and then counts the reply as lost.
pub trait Transaction: fmt::Debug + Send {
    /// The claim, for the handler.
    fn claim(&self) -> Claim;

    /// Writes the completion, which is retained for `ttl`, and commits it together with the handler's writes.
    ///
    /// If the reply to the commit is lost, the store must look up whether the transaction was committed. It then returns
    /// the same reply as [`complete`](super::IdempotencyStore::complete).
    ///
    /// # Errors
    /// * [`NotDone`](crate::store::StoreErrorKind::NotDone) if nothing was committed.
    /// * [`Unknown`](crate::store::StoreErrorKind::Unknown) if the lookup did not succeed.
    fn commit(self: Box<Self>, completion: Completion, ttl: Duration) -> StoreFuture<Update>;

    /// Rolls back the handler's writes, and writes only the completion.
    ///
    /// Returns [`Update::Stale`] if another run has claimed the key in between. In that case this run left nothing behind.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    fn commit_without_writes(
        self: Box<Self>,
        completion: Completion,
        ttl: Duration,
    ) -> StoreFuture<Update>;

    /// Rolls back everything, which frees the key.
    ///
    /// # Errors
    /// If the rollback could not be confirmed. The server rolls the transaction back when it closes the connection.
    fn roll_back(self: Box<Self>) -> StoreFuture<()>;
}

thread_local! {
    /// The slot that the extractor which this thread polls can request. `None` if it is offered none.
    static OFFER: RefCell<Option<Requested>> = const { RefCell::new(None) };
}

/// The slot that an extractor requested, if it did.
type Requested = Option<TransactionSlot>;

/// A poll of an extractor that can request a slot. Dropping it ends the offer.
///
/// The attribute compiles this for each handler. The futures of a task-local variable would add 60 KB to the dev build of each.
struct Offer<'a> {
    requested: &'a mut Requested,
    outer: Option<Requested>,
}

impl<'a> Offer<'a> {
    fn begin(requested: &'a mut Requested) -> Self {
        let outer = OFFER.replace(Some(requested.take()));
        Self { requested, outer }
    }
}

impl Drop for Offer<'_> {
    fn drop(&mut self) {
        *self.requested = OFFER.replace(self.outer.take()).flatten();
    }
}

/// The place through which an open transaction passes from the store to the handler and back.
///
/// A slot exists before its transaction. An adapter runs the extractors of a guarded handler inside
/// [`offer`](Self::offer). If one of them calls [`want`](Self::want), the adapter passes the slot to
/// [`Call::in_transaction`](crate::http::Call::in_transaction), and the call opens the transaction. A slot can also be
/// created with `default` and passed to the call.
#[derive(Clone, Default)]
pub struct TransactionSlot(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl TransactionSlot {
    /// Runs `extract`, and returns its output with the slot that an extractor requested, if one did.
    ///
    /// Cancel safe if the future of `extract` is.
    pub async fn offer<F: Future>(extract: impl FnOnce() -> F) -> (F::Output, Option<Self>) {
        let mut requested = None;
        let extracting = {
            let _offer = Offer::begin(&mut requested);
            extract()
        };
        let mut extracting = pin!(extracting);
        let extracted = poll_fn(|cx| {
            let _offer = Offer::begin(&mut requested);
            extracting.as_mut().poll(cx)
        });
        (extracted.await, requested)
    }

    /// Lets an extractor request a transaction slot for the current handler.
    ///
    /// Returns `None` if no transaction is offered, for example in a task that the extractor spawned.
    pub fn want() -> Option<Self> {
        OFFER.with_borrow_mut(|offer| Some(offer.as_mut()?.get_or_insert_default().clone()))
    }

    /// Puts the handler's connection into the slot.
    pub fn put(&self, content: Box<dyn Any + Send>) {
        *self.content() = Some(content);
    }

    /// Takes the content out of the slot, if there is one.
    pub fn take(&self) -> Option<Box<dyn Any + Send>> {
        self.content().take()
    }

    fn content(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TransactionSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransactionSlot(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    use futures_util::FutureExt;
    use tokio::task::yield_now;

    use super::TransactionSlot;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn is_same(one: Option<TransactionSlot>, other: Option<TransactionSlot>) -> bool {
        one.zip(other).is_some_and(|(one, other)| Arc::ptr_eq(&one.0, &other.0))
    }

    #[test]
    fn extractor_gets_one_slot_for_all_its_polls() {
        let extract = || {
            let first = TransactionSlot::want();
            async {
                yield_now().await;
                (first, TransactionSlot::want())
            }
        };
        let ((first, second), requested) = block_on(TransactionSlot::offer(extract));
        assert!(is_same(first, requested.clone()) && is_same(second, requested));
    }

    #[test]
    fn nested_extractors_get_slots_of_their_own() {
        let outer = || async {
            let inner = TransactionSlot::offer(|| async { TransactionSlot::want() }).await;
            (inner, TransactionSlot::want())
        };
        let ((inner, of_outer), requested) = block_on(TransactionSlot::offer(outer));
        let (of_inner, inner_requested) = inner;
        assert!(is_same(of_inner.clone(), inner_requested) && is_same(of_outer, requested.clone()));
        assert!(!is_same(of_inner, requested));
    }

    #[test]
    fn nothing_is_offered_outside_of_an_extractor() {
        assert!(TransactionSlot::want().is_none());
        let mut pending = Box::pin(TransactionSlot::offer(|| async {
            TransactionSlot::want();
            yield_now().await;
        }));
        assert!(pending.as_mut().now_or_never().is_none());
        assert!(TransactionSlot::want().is_none(), "between two polls");
        let panicking = TransactionSlot::offer(|| async { panic!("an extractor") });
        catch_unwind(AssertUnwindSafe(|| block_on(panicking))).unwrap_err();
        assert!(TransactionSlot::want().is_none(), "after a panic");
    }
}
