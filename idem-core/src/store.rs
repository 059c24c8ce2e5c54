//! The contract of a store: atomicity and time. The engine alone decides what they mean.
//!
//! # Writing a store
//! Implement [`IdempotencyStore`] as a translation of [`transition`](crate::state_machine): each method is
//! one atomic operation of your database that does what the function of the same name says, with the
//! database's own clock for `now`. Then run the suite of `idem-conformance` on it; it has a test per rule.
//!
//! * Never compare an application's clock with anything (R30).
//! * Every change is a compare-and-set on the claim's owner and fencing token, and safe to send twice.
//! * A call whose answer was lost is [`StoreErrorKind::Unknown`](crate::StoreErrorKind::Unknown), never
//!   "free".
//! * The engine drops no call half-way: it drives every future to its end, on another task if need be.

mod per_runtime;
mod shared;
mod transaction;
mod wakeups;

use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::engine::{InPlace, to_runtime};
use crate::error::StoreError;
use crate::fingerprint::Fingerprint;
use crate::policy::{Guarantee, Policy};
use crate::record::{Claim, Completion, ClaimNonce, Record, State};
use crate::record_id::RecordId;
use crate::scope::ScopeId;
pub use per_runtime::PerRuntime;
pub use transaction::{OpenOutcome, Transaction, TransactionSlot, Transactions};
pub use wakeups::Wakeups;

/// Keeps records. Shared by all handlers of a process; see the [module](self) for what an
/// implementation must hold to. A store that is chosen when the program runs is an `Arc` of it:
///
/// ```
/// use std::sync::Arc;
/// use idem_core::{Idempotency, IdempotencyStore, MemoryStore};
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

/// What a claim says of itself.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClaimRequest {
    /// A fresh nonce, kept over retries of the same claim.
    pub nonce: ClaimNonce,
    /// What the request is; `None` compares nothing.
    pub fingerprint: Option<Fingerprint>,
    /// The guarantee of the handler.
    pub guarantee: Guarantee,
    /// How long the claim holds unless it is renewed.
    pub lease: Duration,
    /// How long a record is kept beyond its lease.
    pub ttl: Duration,
    /// At least once: a record with this many attempts is not taken over.
    pub max_attempts: u32,
    /// How many live keys the scope may have, if that is bounded.
    pub quota: Option<Quota>,
}

impl ClaimRequest {
    /// A claim under `policy` by a new owner.
    pub fn new(policy: &Policy) -> Self {
        Self {
            nonce: ClaimNonce::random(),
            fingerprint: None,
            guarantee: policy.guarantee,
            lease: policy.lease,
            ttl: policy.ttl,
            max_attempts: policy.max_attempts,
            quota: None,
        }
    }

    /// Compares the request by `fingerprint`.
    #[must_use]
    pub const fn with_fingerprint(mut self, fingerprint: Option<Fingerprint>) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// Bounds the scope's live keys.
    #[must_use]
    pub const fn with_quota(mut self, quota: Option<Quota>) -> Self {
        self.quota = quota;
        self
    }
}

/// A bound on the live keys of one scope (R41).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Whose keys are counted.
    pub scope: ScopeId,
    /// How many may be live at once: running, completed or unknown, and not expired.
    pub max_keys: NonZeroU32,
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum ClaimOutcome {
    /// The caller owns the key now.
    Acquired(Claim),
    /// The key is taken; this is what stands there.
    ExistingRecord(ExistingRecord),
    /// The key is new, and there is no room for it (R41).
    Full(Capacity),
}

/// Which bound a claim met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// The scope's quota.
    Scope,
    /// The whole store.
    Store,
}

/// What a duplicate learns of the record that stands in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingRecord {
    /// What the first request was.
    pub fingerprint: Option<Fingerprint>,
    /// Where the key stands, judged by the store's clock: a lapsed record reads as unknown (T10, T12).
    pub state: State,
}

impl Record {
    /// What a duplicate learns of this record, given whether its lease lapsed.
    pub fn observe(&self, lapsed: bool) -> ExistingRecord {
        let state = match &self.state {
            State::Running if lapsed => State::Unknown,
            state => state.clone(),
        };
        ExistingRecord { fingerprint: self.fingerprint, state }
    }
}

/// The answer to a change that presented a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Update {
    /// The claim was current; the change is made, or was made before.
    Held,
    /// The claim is stale; nothing was changed. [`IdempotencyStore::complete`] tells what stands there.
    Lost(Option<Box<ExistingRecord>>),
}

/// The answer of a store: at once, or when its future is done.
///
/// A store in memory answers [at once](Self::ready) and costs no allocation; others
/// [box a future](Self::new).
#[must_use = "futures do nothing unless polled"]
pub struct StoreFuture<T>(Inner<T>);

enum Inner<T> {
    Ready(Option<Result<T, StoreError>>),
    Pending(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>),
}

impl<T> StoreFuture<T> {
    /// An answer that is there already.
    pub const fn ready(answer: Result<T, StoreError>) -> Self {
        Self(Inner::Ready(Some(answer)))
    }

    /// An answer that takes a round trip.
    pub fn new(future: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Self {
        Self(Inner::Pending(Box::pin(future)))
    }

    /// [`new`](Self::new) for a client whose connections do not survive being cut off: a future that is
    /// dropped half-way is driven to its end by the runtime of the thread that dropped it.
    pub fn uncut(future: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Self
    where
        T: Send + 'static,
    {
        Self::new(InPlace::new(future, to_runtime))
    }

    /// The answer if it is there already and no error, else the future.
    pub(crate) fn into_ok(self) -> Result<T, Self> {
        match self.0 {
            Inner::Ready(Some(Ok(answer))) => Ok(answer),
            other => Err(Self(other)),
        }
    }

    /// The answer if it is there already, else the future.
    pub(crate) fn into_ready(self) -> Result<Result<T, StoreError>, Self> {
        match self.0 {
            Inner::Ready(Some(answer)) => Ok(answer),
            pending => Err(Self(pending)),
        }
    }
}

impl<T: Unpin> Future for StoreFuture<T> {
    type Output = Result<T, StoreError>;

    /// # Panics
    /// If polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            #[expect(
                clippy::expect_used,
                reason = "the contract of Future, documented under # Panics"
            )]
            Inner::Ready(answer) => Poll::Ready(answer.take().expect("polled after it was ready")),
            Inner::Pending(future) => future.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for StoreFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreFuture(..)")
    }
}
