//! One record, and its changes by hand.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Objection, Records, RecordsError, input};
use crate::http::{Differences, Outline, RequestParts};
use crate::model::{IdempotencyKey, State, StoredResponse};
use crate::observe::Event;
use crate::store::{AuditAction, AuditEntry, FoundRecord, Resolution, Update};

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
///
/// The changes are not cancel safe: if their future is dropped, the change may have been made.
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
    pub(super) const fn new(records: Records, found: FoundRecord) -> Self {
        Self { records, found }
    }

    /// The idempotency key that the run used for the downstream call `label`, as
    /// [`Execution::downstream_key`](crate::Execution::downstream_key) returned it.
    pub fn downstream_key(&self, label: &str) -> IdempotencyKey {
        self.found.id.downstream_key(label)
    }

    /// Compares a request with the first request of the record, of which the service has [kept an
    /// outline](crate::IdempotencyBuilder::request_outline). Returns `None` without one.
    ///
    /// The secret must be that of the service.
    pub fn explain(&self, request: &RequestParts<'_>) -> Option<Differences> {
        let outline = Outline::of(request, self.records.0.secret());
        outline.differences(self.found.extras.outline()?)
    }

    /// Reads the stored response. `None` if the record has none, or has changed since it was found.
    ///
    /// It can contain personal data of a customer. Reading it is not written to the audit log of the store; see
    /// [`view_response`](Self::view_response).
    ///
    /// # Errors
    /// If the store does not reply, or the record cannot be read.
    pub async fn response(&self) -> Result<Option<StoredResponse>, RecordsError> {
        let existing = self.records.0.find_existing(self.found.id).await?;
        Ok(existing.and_then(|existing| match existing.state {
            State::Completed(response) => Some(response),
            _ => None,
        }))
    }

    /// [`response`](Self::response) for a person: writes who sees it to the audit log first.
    ///
    /// # Errors
    /// If the entry cannot be written, the store does not reply, or the record cannot be read.
    pub async fn view_response(
        &self,
        actor: &Actor,
    ) -> Result<Option<StoredResponse>, RecordsError> {
        self.records.admin()?.append_audit(self.entry(AuditAction::View, actor)).await?;
        self.response().await
    }

    /// Ends an unknown outcome with the response that all later requests get. It is kept for as long as the unknown outcome would
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
        if len > 0 && !input::may_have_body(response.status) {
            return Err(RecordsError::BodyNotAllowed(response.status));
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

    /// Frees the key of an unknown outcome. The next request runs the handler; see [when nothing happened](super#when-nothing-happened).
    ///
    /// # Errors
    /// If the store fails.
    pub async fn release(&self, actor: &Actor) -> Result<Update, RecordsError> {
        self.resolve(Resolution::Release, AuditAction::Release, actor, None).await
    }

    /// Keeps an unknown outcome for `hold`, counted from now. A hold never ends before the record does: a shorter one would
    /// free the key, which is what [`release`](Self::release) is for.
    ///
    /// # Errors
    /// [`RecordsError::Objection`] with [`Objection::ShorterHold`] if the record is kept for longer than `hold` already, and if
    /// the store fails.
    pub async fn extend_hold(&self, hold: Duration, actor: &Actor) -> Result<Update, RecordsError> {
        // The store rejects the change of every other state, and returns the current record.
        if let Err(objection @ Objection::ShorterHold { .. }) = self.may_be_held(hold) {
            return Err(objection.into());
        }
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
        let FoundRecord { id, token, .. } = self.found;
        let mut entry = self.entry(action, actor);
        entry.response_digest = response_digest;
        let update = self.records.admin()?.resolve(id, token, resolution, entry.clone()).await?;
        let (action, applied) = (action.name(), update == Update::Applied);
        let (actor, reason) = (&*actor.name, &*actor.reason);
        let (operation, state) = (self.found.extras.operation(), &*entry.state);
        if applied {
            self.records.0.watch().emit(|| Event::Resolution { operation, entry: &entry });
        }
        tracing::info!(target: "idem::audit", operation, record = %id, action, actor, reason, applied, state, "a record was resolved by hand");
        Ok(update)
    }

    fn entry(&self, action: AuditAction, actor: &Actor) -> AuditEntry {
        let FoundRecord { id, token, state, .. } = self.found;
        AuditEntry::new(id, action, &actor.name, &actor.reason, token, &state.to_string())
    }
}
