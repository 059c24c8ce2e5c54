//! Administrative access to records: an optional capability of a store.

mod audit;
mod filter;
mod found;
mod prefix;

pub use audit::{AuditAction, AuditEntry, AuditFilter, AuditOutcome, AuditPage, AuditRecord};
pub use filter::{Cursor, Filter, Page};
pub use found::{FoundRecord, FoundState};
pub use prefix::{InvalidPrefix, RecordIdPrefix};

use std::time::Duration;

use super::{FencingToken, RecordId, Resolution, StoreFuture, Timestamp, Update};

/// An optional capability of a store: finding, listing and resolving records, with an audit log.
///
/// Requests never use it. [`Idempotency::records`](crate::Idempotency::records) is the interface for users.
pub trait RecordAdmin: Send + Sync {
    /// Returns the unexpired record of an id.
    ///
    /// # Errors
    /// If the store does not reply, or the record cannot be read.
    fn find(&self, id: RecordId) -> StoreFuture<Option<FoundRecord>>;

    /// Returns unexpired records that match `filter`: up to `limit` of them, from `after` on.
    ///
    /// A page can be short, or empty, although more pages follow. A record that exists during the whole listing is
    /// returned at least once, and can be returned repeatedly. Records that cannot be read are skipped and logged.
    ///
    /// # Errors
    /// If the store does not reply.
    fn list(&self, filter: Filter, after: Option<Cursor>, limit: usize) -> StoreFuture<Page>;

    /// Changes a record whose fencing token is `expected`, wakes the duplicates that wait for it, and writes `entry` to
    /// the audit log. See [`state_machine::resolve`](crate::state_machine::resolve).
    ///
    /// The entry and the change are written in one transaction if the database can do that. Otherwise the entry is
    /// written before the change, and its [outcome](AuditRecord::outcome) after it.
    ///
    /// # Errors
    /// As [`claim`](super::IdempotencyStore::claim): an error of kind [`Unknown`](super::StoreErrorKind::Unknown) means that
    /// the change may have been made.
    fn resolve(
        &self,
        id: RecordId,
        expected: FencingToken,
        resolution: Resolution,
        entry: AuditEntry,
    ) -> StoreFuture<Update>;

    /// Writes an entry about something that changed no record, with the outcome [`Done`](AuditOutcome::Done). The store
    /// links it to the entry before it, if it [chains](AuditRecord::previous) its entries.
    ///
    /// # Errors
    /// If the entry was not written, or may not have been written.
    fn append_audit(&self, entry: AuditEntry) -> StoreFuture<()>;

    /// Deletes the oldest entries of the audit log, up to the first that was written at `before` or later. Returns their
    /// number. The role of the service need not have this right.
    ///
    /// # Errors
    /// If the store does not permit it, or does not reply.
    fn prune_audit(&self, before: Timestamp) -> StoreFuture<u64>;

    /// Returns entries of the audit log, oldest first: up to `limit` of them, from `after` on.
    ///
    /// # Errors
    /// If the store does not reply.
    fn audit(
        &self,
        filter: AuditFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> StoreFuture<AuditPage>;

    /// Returns figures for monitoring. The default returns none.
    ///
    /// # Errors
    /// If the store does not reply.
    fn stats(&self) -> StoreFuture<StoreStats> {
        StoreFuture::ready(Ok(StoreStats::default()))
    }
}

/// Figures of a store for monitoring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStats {
    /// The time since the oldest record expired that has not been deleted yet. Zero if every expired record is deleted, and
    /// `None` if the store does not delete records by sweeping.
    pub sweep_lag: Option<Duration>,
}

impl StoreStats {
    /// Sets [`StoreStats::sweep_lag`].
    #[must_use]
    pub const fn with_sweep_lag(mut self, lag: Duration) -> Self {
        self.sweep_lag = Some(lag);
        self
    }
}
