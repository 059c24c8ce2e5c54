//! The optional power of a store to run handlers inside its own transactions (P5).

use std::any::Any;
use std::cell::OnceCell;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task_local;

use super::{Capacity, ClaimRequest, ExistingRecord, StoreFuture, Update};
use crate::model::{Claim, Completion, RecordId};

/// Opens transactions that claim a key, so that the claim, what the handler writes and the stored answer
/// become true together or not at all.
pub trait Transactions: Send + Sync {
    /// Begins a transaction and claims `id` in it, and puts what the handler works with into `slot`. Waits
    /// for nobody: a key that another open transaction has claimed is
    /// [`Running`](crate::store::State::Running), and nothing is held for its duplicates.
    fn open(
        &self,
        id: RecordId,
        request: ClaimRequest,
        slot: TransactionSlot,
    ) -> StoreFuture<OpenOutcome>;
}

/// The answer to [`Transactions::open`].
#[derive(Debug)]
#[must_use]
pub enum OpenOutcome {
    /// The key is claimed, as long as the transaction is open.
    Opened(Box<dyn Transaction>),
    /// The key is taken; this is what stands there.
    Exists(ExistingRecord),
    /// There is no room for a new key.
    AtCapacity(Capacity),
}

/// A transaction that has claimed a key. Dropped, it is rolled back.
///
/// Its ends take back what is in the slot. If the handler kept that, nothing is committed, and the error
/// says so. They are driven to their end however long it takes; a caller who was kept for twice the engine's
/// store timeout is told that the answer is lost.
pub trait Transaction: fmt::Debug + Send {
    /// The claim, for the handler.
    fn claim(&self) -> Claim;

    /// Writes the completion, to be kept for `ttl`, and commits it with all that the handler wrote. When the
    /// answer to that is lost, it finds out what became of it, and tells as a completion does.
    ///
    /// # Errors
    /// [`NotDone`](crate::store::StoreErrorKind::NotDone) if nothing was committed,
    /// [`Unknown`](crate::store::StoreErrorKind::Unknown) if that could not be found out.
    fn commit(self: Box<Self>, completion: Completion, ttl: Duration) -> StoreFuture<Update>;

    /// Undoes what the handler wrote, and writes the completion alone. `Lost` if another run of the key began
    /// meanwhile; this one never happened then.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    fn refuse(self: Box<Self>, completion: Completion, ttl: Duration) -> StoreFuture<Update>;

    /// Undoes everything, and frees the key.
    fn roll_back(self: Box<Self>) -> StoreFuture<()>;
}

task_local! {
    /// Through which the arguments that are being extracted want a transaction.
    static OFFER: OnceCell<TransactionSlot>;
}

/// Where an open transaction passes from the store to the handler and back.
///
/// It comes before the transaction does: arguments of a guarded handler are extracted under an
/// [offer](Self::offer), and if one of them [wants](Self::want) it, the call that follows opens the
/// transaction. A slot may also be made by hand, and passed to the call.
#[derive(Clone, Default)]
pub struct TransactionSlot(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl TransactionSlot {
    /// Drives the extraction that `extract` begins, and tells through which slot a part of it wants a
    /// transaction, if one does.
    ///
    /// Cancel safe if the extraction is.
    pub fn offer<F: Future>(
        extract: impl FnOnce() -> F,
    ) -> impl Future<Output = (F::Output, Option<Self>)> {
        OFFER.scope(OnceCell::new(), async {
            let extracted = extract().await;
            (extracted, OFFER.with(|offer| offer.get().cloned()))
        })
    }

    /// The slot of the extraction that the calling code is part of; `None` where no transaction is offered,
    /// as in a task that the extraction spawned.
    pub fn want() -> Option<Self> {
        OFFER.try_with(|offer| offer.get_or_init(Self::default).clone()).ok()
    }

    /// Passes what a handler works with.
    pub fn put(&self, content: Box<dyn Any + Send>) {
        *self.content() = Some(content);
    }

    /// Takes what was passed, if it is there.
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
