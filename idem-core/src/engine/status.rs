//! The status of a key: what a retry would get, read without running anything.

use std::time::{Duration, Instant};

use super::Idempotency;
use crate::http::Scope;
use crate::model::{
    ExistingRecord, IdempotencyKey, Operation, RecordId, Rejection, State, StoredResponse,
    UnknownReason,
};

/// What is recorded under a key. Returned by [`Idempotency::status`].
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyStatus {
    /// Nothing: the key is new or has expired, or its run left it free.
    ///
    /// A handler with a `Tx` is the exception: until its transaction ends, its key reads as absent. Do not start the
    /// operation under a new key; retry with the same key.
    Absent,
    /// A run is active.
    Running,
    /// The run ended with this response, which a retry gets.
    Completed(StoredResponse),
    /// The run ended, and its response was [not retained](crate::rules::guarantees#response-not-retained).
    NotRetained {
        /// The status that the first caller got.
        status: u16,
    },
    /// The run started, and its outcome is unknown.
    Unknown {
        /// Why it is unknown.
        reason: UnknownReason,
        /// The time after which a retry of the request can find out more, because its handler has `recover`.
        retry_after: Option<Duration>,
    },
}

impl Idempotency {
    /// Returns what is recorded under a key: the answer to "did my request go through?" for a client that has the key and no
    /// longer the request. It claims nothing, runs neither a handler nor a `recover` hook, and compares no fingerprint.
    ///
    /// `operation` and `scope` must be those of the handler. Take the scope from authentication, as the handler does:
    /// another scope is another key.
    ///
    /// If a run is active, waits up to `wait` for its end. Waiting takes a place among the
    /// [waiting duplicates](crate::rules::semantics#waiting-duplicates); without a free place it returns immediately.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// * [`Rejection::ScopeEmpty`] if the scope is empty.
    /// * [`Rejection::StoreUnavailable`] or [`Rejection::RecordUnreadable`] if the record cannot be read.
    pub async fn status(
        &self,
        operation: &Operation<'_>,
        scope: Scope,
        key: &IdempotencyKey,
        wait: Duration,
    ) -> Result<KeyStatus, Rejection> {
        let scope = scope.id().ok_or(Rejection::ScopeEmpty)?;
        let id = self.record_id(operation.words(), scope, key);
        let since = Instant::now();
        let mut waiter = None;
        loop {
            let status = self.status_now(id).await?;
            if status != KeyStatus::Running || wait.is_zero() {
                return Ok(status);
            }
            if waiter.is_none() {
                waiter = self.0.waiters.enter(id, scope, since, wait);
            }
            let Some(waiter) = &mut waiter else { return Ok(status) };
            if !waiter.next(&*self.0.store).await {
                return Ok(status);
            }
        }
    }

    async fn status_now(&self, id: RecordId) -> Result<KeyStatus, Rejection> {
        let Some(ExistingRecord { state, recoverable_in, .. }) = self.read_record(id).await? else {
            return Ok(KeyStatus::Absent);
        };
        Ok(match state {
            State::Running => KeyStatus::Running,
            State::Completed(response) => KeyStatus::Completed(response),
            State::NotRetained { status } => KeyStatus::NotRetained { status },
            State::Unknown(reason) => KeyStatus::Unknown { reason, retry_after: recoverable_in },
        })
    }
}
