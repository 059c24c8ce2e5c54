//! The contract of a store: atomicity and time. The engine alone decides what they mean.
//!
//! # Writing a store
//! Implement [`IdempotencyStore`] as a translation of [`transition`](crate::state_machine): each method is
//! one atomic operation of your database that does what the function of the same name says, with the
//! database's own clock for `now`. Then run the suite of `idem-conformance` on it; it has a test per rule.
//!
//! * Never compare an application's clock with anything (R30).
//! * Every change is a compare-and-set on the claim's owner and fencing token, and safe to send twice.
//! * A call whose answer was lost is [`StoreErrorKind::Unknown`](crate::store::StoreErrorKind::Unknown), never
//!   "free".
//! * The engine drops no call half-way: it drives every future to its end, on another task if need be.

mod future;
mod memory;
mod per_runtime;
mod request;
mod shared;
mod transaction;
mod wakeups;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub use crate::model::{
    Capacity, Claim, ClaimNonce, Completion, ExistingRecord, FencingToken, Fingerprint, Headers,
    Quota, Record, RecordId, ScopeId, State, StoreError, StoreErrorKind, StoredResponse,
};
pub use future::StoreFuture;
pub use memory::MemoryStore;
pub use per_runtime::PerRuntime;
pub use request::{ClaimOutcome, ClaimRequest, Update};
pub use transaction::{OpenOutcome, Transaction, TransactionSlot, Transactions};
pub use wakeups::Wakeups;

/// Keeps records. Shared by all handlers of a process; see the [module](self) for what an
/// implementation must hold to. A store that is chosen when the program runs is an `Arc` of it:
///
/// ```
/// use std::sync::Arc;
/// use idem_core::{Idempotency, MemoryStore};
/// use idem_core::store::IdempotencyStore;
///
/// let store: Arc<dyn IdempotencyStore> = Arc::new(MemoryStore::new());
/// let idempotency = Idempotency::new(store);
/// ```
pub trait IdempotencyStore: fmt::Debug + Send + Sync + 'static {
    /// Inserts a running record if there is none (T1), in one atomic operation. A record that expired
    /// is none. The same owner gets its claim again (T2). Under at least once a lapsed record with the
    /// same fingerprint and attempts left is taken over with a higher fencing token (T11).
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome>;

    /// Holds the claim for another `lease` from now (T3), also after it lapsed, if nobody moved it.
    /// The record must then outlive the lease by `ttl`.
    ///
    /// Runs on the engine's own thread and runtime, so that it goes on while handlers block theirs: a
    /// connection that it uses must be driven there too.
    fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> StoreFuture<Update>;

    /// Writes how the run ended (T4, T6, T9), from running or unknown, to be kept for `ttl`. A second
    /// time it changes nothing and is `Held` (T5). When `Lost`, it tells what stands there instead.
    fn complete(&self, claim: Claim, completion: Completion, ttl: Duration) -> StoreFuture<Update>;

    /// Frees the key of a running record (T7): the run provably did nothing, or may be repeated.
    fn release(&self, claim: Claim) -> StoreFuture<Update>;

    /// Gives back what `owner` holds running (T8), for a claim whose answer never came and whose handler
    /// therefore never started: frees the key of a first attempt, and ends the lease of a later one,
    /// whose earlier runs must not be forgotten. `Lost` if the owner holds nothing.
    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update>;

    /// Resolves when the record may have changed. Listening begins with the call, not with the first
    /// poll. Only a hint: it may come too often, and the default never comes, which leaves waiting
    /// duplicates to their polling. Dropping it must give up whatever it holds.
    fn changed(&self, id: RecordId) -> Changed {
        let _ = id;
        Box::pin(std::future::pending())
    }

    /// The optional power to run handlers inside transactions of the store.
    fn transactions(&self) -> Option<&dyn Transactions> {
        None
    }
}

/// What [`IdempotencyStore::changed`] returns.
pub type Changed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The optional power to remove what expired; reading never depends on it.
pub trait DeleteExpired {
    /// Removes records that expired by the store's clock; never a running one whose lease holds.
    /// Returns how many.
    fn delete_expired(&self) -> StoreFuture<u64>;
}
