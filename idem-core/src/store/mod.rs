//! The contract of a store, for authors of stores.
//!
//! A store provides atomic operations and a clock. It never decides what a record means for a request; the engine does.
//!
//! # The contract
//!
//! Implement [`IdempotencyStore`] as a translation of the [`state_machine`](crate::state_machine): each method is one
//! atomic operation of the database that does the same as the function of the same name.
//!
//! * `now` is the database's own clock at the moment of the operation. No application clock is ever compared with it; see
//!   [store clock](crate::rules::semantics#store-clock).
//! * Every change of a record is a compare-and-set on the claim nonce and the fencing token. A stale caller changes nothing.
//! * Every operation is safe to send twice. The engine repeats an operation whose reply was lost.
//! * An expired record counts as absent, whether it has been deleted or not. A running record outlives its lease by `hold`.
//! * Acknowledged writes are kept until the record expires. Live records are never evicted; see
//!   [durable store](crate::rules::guarantees#durable-store).
//! * Fencing tokens grow with every new owner of a key, also across releases and expiry.
//! * An operation that may have been applied fails with [`StoreErrorKind::Unknown`]. An error never means "the key is free".
//! * The engine never drops the future of an operation: if its caller leaves, the runtime drives the future to its end. See
//!   [lost replies](crate::rules::guarantees#lost-replies). Other callers may drop it; use [`StoreFuture::uncut`] if a
//!   dropped future would break a connection.
//!
//! A store that keeps bytes can use the [`codec`](crate::codec) for the record. [`PerRuntime`] and [`Wakeups`] help with
//! connections and notifications.
//!
//! # Optional capabilities
//!
//! | Capability | Implementation |
//! |---|---|
//! | wake waiting duplicates without polling | override [`IdempotencyStore::changed`] |
//! | run handlers inside a transaction of the database | [`Transactions`], returned by [`IdempotencyStore::transactions`] |
//! | delete expired records | [`DeleteExpired`] |
//! | find, list and resolve records by hand | [`RecordAdmin`], returned by [`IdempotencyStore::records`] |
//! | report problems of the server to health checks | override [`IdempotencyStore::check`] |
//! | limit the live keys of a scope | check [`ClaimRequest::quota`] in [`claim`](IdempotencyStore::claim) |
//!
//! A store without quotas ignores [`ClaimRequest::quota`]. It should document that.
//!
//! # A complete store
//!
//! This store keeps the records of one process in a map. Unlike [`MemoryStore`], it ignores quotas and has no capacity
//! limit.
//!
//! ```
#![doc = include_str!("../../docs/store.rs")]
//! ```
//!
//! A store on a database runs the same decisions inside the database, because reading, deciding and writing must be one
//! atomic operation there: a script on Redis, a function with a row lock on Postgres.
//!
//! # Testing a store
//!
//! The crate `idem-conformance` has one test per rule of the contract. It also compares the store with the state machine,
//! by random lists of operations. Implement `StoreHarness` for the store in a test of your crate, and name it once per
//! suite:
//!
//! ```ignore
#![doc = include_str!("../../docs/store_test.rs")]
//! ```
//!
//! `admin_suite!`, `quota_suite!` and `wakeup_suite!` test the other optional capabilities.

mod admin;
mod future;
mod health_issue;
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
    Capacity, Claim, ClaimNonce, Completion, ExistingRecord, Extras, FencingToken, Fingerprint,
    Headers, LostRun, Quota, Record, RecordId, RecordIdError, RootCause, ScopeId, Silence, State,
    StoreError, StoreErrorKind, StoredResponse, Timestamp, UnknownOutcome, UnknownReason,
};
pub use admin::{
    AuditAction, AuditEntry, AuditFilter, AuditOutcome, AuditPage, AuditRecord, Cursor, Filter,
    FoundRecord, FoundState, InvalidPrefix, Page, RecordAdmin, RecordIdPrefix, StoreStats,
};
pub use future::StoreFuture;
pub use health_issue::HealthIssue;
pub use memory::MemoryStore;
pub use per_runtime::PerRuntime;
pub use request::{ClaimOutcome, ClaimRequest, Resolution, Update};
pub use transaction::{OpenOutcome, Transaction, TransactionSlot, Transactions};
pub use wakeups::Wakeups;

/// The operations on records. All handlers of a process share one store. The [module](self) states the contract.
///
/// Use an `Arc<dyn IdempotencyStore>` to choose a store at run time:
///
/// ```
/// use std::sync::Arc;
/// use idem_core::{Idempotency, MemoryStore};
/// use idem_core::store::IdempotencyStore;
///
/// let store: Arc<dyn IdempotencyStore> = Arc::new(MemoryStore::new());
/// let idempotency = Idempotency::new(store);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store for idempotency records",
    label = "not an `IdempotencyStore`",
    note = "create the store first: `MemoryStore::new()`, `RedisStore::connect(url).await?`, `PostgresStore::connect(url).await?` or `SqliteStore::open(path).await?`"
)]
pub trait IdempotencyStore: fmt::Debug + Send + Sync + 'static {
    /// Atomically inserts a running record if no unexpired record exists. See [`state_machine::claim`](crate::state_machine::claim).
    ///
    /// A repeated claim with the same nonce gets the same claim again. Under at least once, a running record is taken over
    /// with a higher fencing token, if its lease has ended, the fingerprints are equal and attempts are left. If the record
    /// and the request have `recover`, an unknown outcome is claimed for its recovery.
    ///
    /// # Errors
    /// * [`NotDone`](StoreErrorKind::NotDone) if nothing was inserted.
    /// * [`Unknown`](StoreErrorKind::Unknown) if the record may have been inserted.
    /// * [`Corrupt`](StoreErrorKind::Corrupt) if the stored record cannot be read.
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome>;

    /// Extends the lease to `lease` after now, and the record to `hold` after that. See [`state_machine::renew`](crate::state_machine::renew).
    ///
    /// It succeeds after the lease has ended too, if no other caller has claimed the key since.
    ///
    /// The engine calls it on its own thread and runtime, so that renewals continue while handlers block theirs. A
    /// connection that it uses must be driven on that runtime.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update>;

    /// Renews the lease, and ends the recovery of the record, so that its handler may run. See
    /// [`state_machine::resume_run`](crate::state_machine::resume_run).
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update>;

    /// Completes a running or unknown record, which then expires `retention` after now, or after its quiet time. See [`state_machine::complete`](crate::state_machine::complete).
    ///
    /// A repeated completion changes nothing and returns [`Update::Applied`]. [`Update::Stale`] contains the existing
    /// record, if there is one.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update>;

    /// Frees the key of a running record. The engine calls it if the run had no effect or may be repeated. See
    /// [`state_machine::release`](crate::state_machine::release).
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    fn release(&self, claim: Claim) -> StoreFuture<Update>;

    /// Abandons a claim whose reply was lost and whose handler never started. See [`state_machine::abandon`](crate::state_machine::abandon).
    ///
    /// A first attempt is deleted. A later attempt stays with an ended lease, because an earlier run may have had an effect.
    /// Returns [`Update::Stale`] if `nonce` does not hold a running record.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update>;

    /// Resolves when the record may have changed.
    ///
    /// This is a hint: spurious wake-ups are allowed. The default never resolves, so waiting duplicates fall back to
    /// polling. Listening must start with this call, and not with the first poll of the future. Dropping the future must
    /// release everything that it holds.
    fn changed(&self, id: RecordId) -> Changed {
        let _ = id;
        Box::pin(std::future::pending())
    }

    /// Returns the transactions of the store, if it supports them. The default returns `None`.
    fn transactions(&self) -> Option<&dyn Transactions> {
        None
    }

    /// Returns the administrative access to the records, if the store supports it. The default returns `None`.
    ///
    /// A store that wraps another one must pass it on. Without it, operators cannot find or resolve records, and results of
    /// late runs are in the log but not in the audit log.
    fn records(&self) -> Option<&dyn RecordAdmin> {
        None
    }

    /// Checks the server now, and returns each problem with its configuration or state. Empty if it is healthy. The default
    /// returns no problem without a check.
    ///
    /// [`Idempotency::health`](crate::Idempotency::health) calls it. Cancel safe.
    ///
    /// # Errors
    /// If the server does not reply.
    fn check(&self) -> StoreFuture<Vec<HealthIssue>> {
        StoreFuture::ready(Ok(Vec::new()))
    }

    /// The name of the kind of store in metrics, such as `redis`. The default is `custom`.
    fn name(&self) -> &'static str {
        "custom"
    }
}

/// The future of [`IdempotencyStore::changed`].
pub type Changed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An optional capability of a store: deleting expired records. Correctness never depends on it.
pub trait DeleteExpired {
    /// Deletes records that have expired by the store's clock, and returns their number.
    ///
    /// # Errors
    /// As [`IdempotencyStore::claim`]. Records may have been deleted before the error.
    fn delete_expired(&self) -> StoreFuture<u64>;
}
