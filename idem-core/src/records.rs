//! Records by hand: find, list and resolve them, for reconcilers, webhooks and operators.
//!
//! After a crash the outcome of a run is unknown, and its key is held. A handler with `recover` asks the provider by
//! itself. Everywhere else, a person or a job of yours ends the doubt:
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

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::engine::Idempotency;
use crate::http::Scope;
pub use crate::model::Operation;
use crate::model::{IdempotencyKey, RecordId, StoreError, StoredResponse};
use crate::store::{AuditAction, AuditEntry, IdempotencyStore, RecordAdmin, Resolution, Update};
pub use crate::store::{
    AuditFilter, AuditPage, AuditRecord, Cursor, Filter, FoundRecord, FoundState,
};

/// The number of records that a listing requests from the store at once.
const PAGE: usize = 100;

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
        match self.store().records() {
            Some(_) => Ok(Records(self.clone())),
            None => Err(RecordsError::Unsupported(format!("{:?}", self.store()))),
        }
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
        let id =
            self.0.record_id(operation.words(), &scope, key).ok_or(RecordsError::ScopeEmpty)?;
        self.find(id).await
    }

    /// Lists the records that `filter` selects, in no particular order.
    ///
    /// A record that is created or changes during the listing may be missing or be returned repeatedly.
    pub fn list(&self, filter: Filter) -> Listing {
        Listing { records: self.clone(), filter, page: VecDeque::new(), next: Next::First }
    }

    /// Returns entries of the audit log, oldest first: up to `limit` of them, from `after` on.
    ///
    /// # Errors
    /// If the store does not reply.
    pub async fn audit(
        &self,
        filter: AuditFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<AuditPage, RecordsError> {
        Ok(self.admin()?.audit(filter, after, limit).await?)
    }

    fn admin(&self) -> Result<&dyn RecordAdmin, RecordsError> {
        let store: &Arc<dyn IdempotencyStore> = self.0.store();
        store.records().ok_or_else(|| RecordsError::Unsupported(format!("{store:?}")))
    }

    fn handle(&self, found: FoundRecord) -> RecordHandle {
        RecordHandle { records: self.clone(), found }
    }
}

/// The records that a filter selects. Made by [`Records::list`].
#[derive(Debug)]
pub struct Listing {
    records: Records,
    filter: Filter,
    page: VecDeque<FoundRecord>,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    After(Cursor),
    Nothing,
}

impl Listing {
    /// Returns the next record, or `None` after the last one.
    ///
    /// Cancel safe: no record is skipped.
    ///
    /// # Errors
    /// If the store does not reply. A later call tries again.
    pub async fn try_next(&mut self) -> Result<Option<RecordHandle>, RecordsError> {
        loop {
            if let Some(found) = self.page.pop_front() {
                return Ok(Some(self.records.handle(found)));
            }
            let after = match &self.next {
                Next::First => None,
                Next::After(cursor) => Some(cursor.clone()),
                Next::Nothing => return Ok(None),
            };
            let page = self.records.admin()?.list(self.filter.clone(), after, PAGE).await?;
            self.page = page.records.into();
            self.next = page.next.map_or(Next::Nothing, Next::After);
        }
    }
}

/// Who changes a record, and why. Both are written to the audit log.
#[derive(Clone, Debug)]
pub struct Actor {
    name: Box<str>,
    reason: Box<str>,
}

impl Actor {
    /// Names the person or the job, such as `ada@host` or `reconciler`.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), reason: Box::default() }
    }

    /// States the reason of the change.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<Box<str>>) -> Self {
        self.reason = reason.into();
        self
    }
}

/// A record that was found. It shows the record as it was then.
///
/// Each change needs the fencing token that was read. [`Update::Stale`] means that the record has changed since, or that its
/// state does not permit the change, and that nothing was changed.
#[derive(Clone, Debug)]
pub struct RecordHandle {
    records: Records,
    found: FoundRecord,
}

impl Deref for RecordHandle {
    type Target = FoundRecord;

    fn deref(&self) -> &FoundRecord {
        &self.found
    }
}

impl fmt::Display for RecordHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.found.id, self.found.extras.operation(), self.found.state)
    }
}

impl RecordHandle {
    /// The idempotency key that the run used for the downstream call `label`, as
    /// [`Execution::downstream_key`](crate::Execution::downstream_key) returned it.
    pub fn downstream_key(&self, label: &str) -> IdempotencyKey {
        self.found.id.downstream_key(label)
    }

    /// Ends an unknown outcome with the response that all later requests get. It is kept for as long as the doubt would
    /// have been.
    ///
    /// # Errors
    /// If the response cannot be stored, or the store fails.
    pub async fn complete(
        &self,
        response: StoredResponse,
        actor: &Actor,
    ) -> Result<Update, RecordsError> {
        if !(200..600).contains(&response.status) {
            return Err(RecordsError::Status(response.status));
        }
        let (len, max) = (response.body.len(), self.records.0.max_response());
        if len > max {
            return Err(RecordsError::TooLarge { len, max });
        }
        let digest = Sha256::digest(&response.body).into();
        let ttl = self.found.expires_at.since(self.found.now);
        self.resolve(
            Resolution::Complete { response, ttl },
            AuditAction::Complete,
            actor,
            Some(digest),
        )
        .await
    }

    /// Frees the key of an unknown outcome. The next request runs the handler; see [above](self#when-nothing-happened).
    ///
    /// # Errors
    /// If the store fails.
    pub async fn release(&self, actor: &Actor) -> Result<Update, RecordsError> {
        self.resolve(Resolution::Release, AuditAction::Release, actor, None).await
    }

    /// Keeps an unknown outcome for `hold`, counted from now.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn extend_hold(&self, hold: Duration, actor: &Actor) -> Result<Update, RecordsError> {
        self.resolve(Resolution::Hold(hold), AuditAction::Hold, actor, None).await
    }

    /// Deletes a record whose run has ended, also one with a stored response. The next request runs the handler **again**.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn evict(&self, actor: &Actor) -> Result<Update, RecordsError> {
        self.resolve(Resolution::Evict, AuditAction::Evict, actor, None).await
    }

    async fn resolve(
        &self,
        resolution: Resolution,
        action: AuditAction,
        actor: &Actor,
        response_digest: Option<[u8; 32]>,
    ) -> Result<Update, RecordsError> {
        let FoundRecord { id, token, state, .. } = self.found;
        let state = state.to_string();
        let mut entry = AuditEntry::new(id, action, &actor.name, &actor.reason, token, &state);
        entry.response_digest = response_digest;
        let update = self.records.admin()?.resolve(id, token, resolution, entry).await?;
        let (action, applied) = (action.name(), update == Update::Applied);
        let (actor, reason) = (&*actor.name, &*actor.reason);
        tracing::info!(target: "idem::audit", record = %id, action, actor, reason, applied, state, "a record was resolved by hand");
        Ok(update)
    }
}
