//! Administrative access to records: an optional capability of a store.

mod audit;
mod filter;
mod found;
mod prefix;

pub use audit::{AuditAction, AuditEntry, AuditFilter, AuditOutcome, AuditPage, AuditRecord};
pub use filter::{Cursor, Filter, Page};
pub use found::{FoundRecord, FoundState};
pub use prefix::{InvalidPrefix, RecordIdPrefix};

use super::{FencingToken, RecordId, Resolution, StoreFuture, Update};

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
}
