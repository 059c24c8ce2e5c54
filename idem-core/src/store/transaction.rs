//! The optional power of a store to run handlers inside its own transactions (P5).

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Capacity, ClaimRequest, Existing, Fenced, StoreFuture};
use crate::record::{Claim, Conclusion};
use crate::record_id::RecordId;

/// Opens transactions that claim a key, so that the claim, what the handler writes and the stored answer
/// become true together or not at all.
pub trait Transactions: Send + Sync {
    /// Begins a transaction and claims `id` in it, and puts what the handler works with into `slot`. Waits
    /// for nobody: a key that another open transaction has claimed is
    /// [`Running`](crate::State::Running), and nothing is held for its duplicates.
    fn open(
        &self,
        id: RecordId,
        request: ClaimRequest,
        slot: TransactionSlot,
    ) -> StoreFuture<Opened>;
}

/// The answer to [`Transactions::open`].
#[derive(Debug)]
#[must_use]
pub enum Opened {
    /// The key is claimed, as long as the transaction is open.
    Open(Box<dyn Transaction>),
    /// The key is taken; this is what stands there.
    Existing(Existing),
    /// There is no room for a new key.
    Full(Capacity),
}

/// A transaction that has claimed a key. Dropped, it is rolled back.
///
/// Its ends take back what is in the slot. If the handler kept that, nothing is committed, and the error
/// says so. They are driven to their end however long it takes; a caller who was kept for twice the engine's
/// store timeout is told that the answer is lost.
pub trait Transaction: fmt::Debug + Send {
    /// The claim, for the handler.
    fn claim(&self) -> Claim;

    /// Writes the conclusion, to be kept for `ttl`, and commits it with all that the handler wrote. When the
    /// answer to that is lost, it finds out what became of it, and tells as a completion does.
    ///
    /// # Errors
    /// [`NotDone`](crate::StoreErrorKind::NotDone) if nothing was committed,
    /// [`Unknown`](crate::StoreErrorKind::Unknown) if that could not be found out.
    fn commit(self: Box<Self>, conclusion: Conclusion, ttl: Duration) -> StoreFuture<Fenced>;

    /// Undoes what the handler wrote, and writes the conclusion alone. `Lost` if another run of the key began
    /// meanwhile; this one never happened then.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    fn refuse(self: Box<Self>, conclusion: Conclusion, ttl: Duration) -> StoreFuture<Fenced>;

    /// Undoes everything, and frees the key.
    fn roll_back(self: Box<Self>) -> StoreFuture<()>;
}

/// Where an open transaction passes from the store to the handler and back.
///
/// It comes before the transaction does: an argument of the handler that is extracted from the request marks
/// it as [wanted](Self::want), and the call that follows the extraction opens the transaction.
#[derive(Clone, Default)]
pub struct TransactionSlot(Arc<Slot>);

#[derive(Default)]
struct Slot {
    wanted: AtomicBool,
    content: Mutex<Option<Box<dyn Any + Send>>>,
}

impl TransactionSlot {
    /// The handler takes a transaction.
    pub fn want(&self) {
        self.0.wanted.store(true, Ordering::Release);
    }

    /// Whether the handler takes a transaction.
    pub fn is_wanted(&self) -> bool {
        self.0.wanted.load(Ordering::Acquire)
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
        self.0.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TransactionSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionSlot").field("wanted", &self.is_wanted()).finish_non_exhaustive()
    }
}
