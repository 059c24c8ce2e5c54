//! Access to records for reconcilers, webhooks and operators: find, list and resolve them.
//!
//! After a crash the outcome of a run is unknown, and its key is held. A handler with `recover` asks the provider by
//! itself. Everywhere else, a person or a job of yours resolves the outcome:
//!
//! ```
//! use std::time::Duration;
//! use idem_core::Idempotency;
//! use idem_core::records::{Actor, Filter, RecordsError};
//! use idem_core::store::{StoredResponse, Update};
//!
//! # struct Provider;
//! # impl Provider { async fn find(&self, _key: &str) -> Option<String> { None } }
//! async fn reconcile(idempotency: &Idempotency, provider: &Provider) -> Result<(), RecordsError> {
//!     let records = idempotency.records()?;
//!     let old = Duration::from_secs(60);
//!     let mut unknown = records.list(Filter::unknown().operation("POST /payments").older_than(old));
//!     let actor = Actor::new("reconciler").reason("looked up at the provider");
//!     while let Some(record) = unknown.try_next().await? {
//!         let update = match provider.find(record.downstream_key("charge").as_str()).await {
//!             Some(charge) => record.complete(StoredResponse::json(201, &charge)?, &actor).await?,
//!             None => record.release(&actor).await?,
//!         };
//!         if let Update::Stale(current) = update {
//!             println!("changed meanwhile: {current:?}");
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Every change is a compare-and-set on the fencing token that was read, so a run that ends at the same moment, or another
//! operator, is never overwritten. It makes the old run stale, wakes the duplicates that wait for the key, and is written
//! to the audit log of the store.
//!
//! # When nothing happened
//!
//! [`release`](RecordHandle::release) lets the next request run the handler. Before that, be sure that the lost run cannot
//! act any more: after `timed-out` and `drained`, blocking code of it may still be active until its process ends, and a
//! provider may still apply a request that it has queued. See [`UnknownReason`](crate::UnknownReason).

mod audit;
mod handle;
pub mod input;
mod listing;
mod objection;

use std::sync::Arc;

pub use audit::AuditCheck;
pub use handle::{Actor, RecordHandle};
pub use listing::Listing;
pub use objection::Objection;

use crate::engine::Idempotency;
use crate::http::Scope;
pub use crate::model::Operation;
use crate::model::{IdempotencyKey, RecordId, StoreError};
pub use crate::store::{
    AuditFilter, AuditPage, AuditRecord, Cursor, Filter, FoundRecord, FoundState, RecordIdPrefix,
    StoreStats,
};
use crate::store::{IdempotencyStore, RecordAdmin};

/// Why records cannot be found or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// The store has no administrative access.
    #[error(
        "the store {0} cannot list and resolve records; use a store that implements `RecordAdmin`"
    )]
    Unsupported(String),
    /// The scope is empty, so no record can be in it.
    #[error("the scope is empty; pass the value that the handler's `scope` has")]
    ScopeEmpty,
    /// The response cannot be stored.
    #[error("a response needs a status from 200 to 599, not {0}")]
    Status(u16),
    /// The body is larger than [`max_response`](crate::IdempotencyBuilder::max_response).
    #[error("the body has {len} bytes, and `max_response` is {max}")]
    TooLarge {
        /// The length of the body, in bytes.
        len: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The response has a body, and a response with this status is sent without one.
    #[error("a response with status {0} has no body; leave the body out")]
    BodyNotAllowed(u16),
    /// The change should not be made.
    #[error(transparent)]
    Objection(#[from] Objection),
    /// The response cannot be written as JSON.
    #[error("the response cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The store failed. If the kind of the error is [`Unknown`](crate::store::StoreErrorKind::Unknown), a change may have
    /// been made.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Idempotency {
    /// Returns the access to the records of the store.
    ///
    /// # Errors
    /// [`RecordsError::Unsupported`] if the store has none.
    pub fn records(&self) -> Result<Records, RecordsError> {
        let records = Records(self.clone());
        records.admin().map(drop)?;
        Ok(records)
    }
}

/// The records of a store. Made by [`Idempotency::records`].
#[derive(Clone, Debug)]
pub struct Records(Idempotency);

impl Records {
    /// Finds the record of an id, such as a log line names it. Returns `None` if there is no unexpired record.
    ///
    /// # Errors
    /// If the store does not reply, or the record cannot be read.
    pub async fn find(&self, id: RecordId) -> Result<Option<RecordHandle>, RecordsError> {
        let found = self.admin()?.find(id).await?;
        Ok(found.map(|found| self.handle(found)))
    }

    /// Finds the record of a key: `operation` and `scope` must be those of the handler, and the namespace and the secret
    /// those of this handle.
    ///
    /// # Errors
    /// As [`find`](Self::find), and [`RecordsError::ScopeEmpty`].
    pub async fn by_key(
        &self,
        operation: &Operation<'_>,
        scope: Scope,
        key: &IdempotencyKey,
    ) -> Result<Option<RecordHandle>, RecordsError> {
        let scope = scope.id().ok_or(RecordsError::ScopeEmpty)?;
        self.find(self.0.record_id(operation.words(), scope, key)).await
    }

    /// Finds the records of a key under the operation that has this name. Both readings of the name are tried: a method with
    /// a route template, and one word. There is usually one record or none.
    ///
    /// # Errors
    /// As [`by_key`](Self::by_key).
    pub async fn by_operation_name(
        &self,
        operation: &str,
        scope: Scope,
        key: &IdempotencyKey,
    ) -> Result<Vec<RecordHandle>, RecordsError> {
        let route = operation.split_once(' ').map(|(method, path)| Operation::route(method, path));
        let mut found = Vec::new();
        for operation in route.into_iter().chain([Operation::named(operation)]) {
            found.extend(self.by_key(&operation, scope, key).await?);
        }
        Ok(found)
    }

    /// Finds the records whose id begins with `prefix`, up to `limit` of them. Sixty-four digits are one lookup. Fewer are
    /// a range of the primary key, or on Redis a search of all keys.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn find_by_prefix(
        &self,
        prefix: RecordIdPrefix,
        limit: usize,
    ) -> Result<Vec<RecordHandle>, RecordsError> {
        let (first, last) = prefix.range();
        if first == last {
            return Ok(self.find(first).await?.into_iter().collect());
        }
        let (mut listing, mut found) =
            (self.list(Filter::all().starting_with(prefix)), Vec::<RecordHandle>::new());
        while let Some(record) = listing.try_next().await? {
            // A listing may repeat a record.
            if found.iter().all(|known| known.id != record.id) {
                found.push(record);
            }
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    /// Lists the records that `filter` selects, in no particular order.
    ///
    /// A record that is created or changes during the listing may be missing or be returned repeatedly.
    pub fn list(&self, filter: Filter) -> Listing {
        Listing::new(self.clone(), filter)
    }

    /// Returns figures of the store for monitoring.
    ///
    /// # Errors
    /// If the store does not reply.
    pub async fn stats(&self) -> Result<StoreStats, RecordsError> {
        Ok(self.admin()?.stats().await?)
    }

    fn admin(&self) -> Result<&dyn RecordAdmin, RecordsError> {
        let store: &Arc<dyn IdempotencyStore> = self.0.store();
        store.records().ok_or_else(|| RecordsError::Unsupported(format!("{store:?}")))
    }

    fn handle(&self, found: FoundRecord) -> RecordHandle {
        RecordHandle::new(self.clone(), found)
    }
}
