//! The end of a run: its completion is stored or its key freed, however long the store takes.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Idempotency;
use super::config::Config;
use super::duplicate::{Finder, RequestIdentity, evaluate_stale};
use super::execution::Execution;
use super::lease::Lease;
use super::lookup::{NEVER_APPLIED, unmatched_claim};
use super::report::status_of;
use super::retry::{complete_with_retries, retry_until_stored};
use super::served::{Executed, Served};
use crate::detach::{DetachOnDrop, spawn_on_runtime};
use crate::model::{
    Completion, ExistingRecord, Guarantee, Outcome, Rejection, StoreError, UnknownOutcome,
    UnknownReason,
};
use crate::observe::Event;
use crate::store::{IdempotencyStore, StoreFuture, Update};

/// The time for which the caller of a run waits while the end is written again. After that, the retries continue in
/// a background task.
pub(super) const CALLER_TIMEOUT: Duration = Duration::from_secs(2);

/// Everything that a run holds until its end is written: its lease is renewed, and
/// [`drain`](Idempotency::drain) waits for it.
pub(super) struct Settlement {
    idempotency: Idempotency,
    lease: Lease,
    tracked: TaskTrackerToken,
}

/// The end of a run in the store.
enum End {
    /// Its completion is stored.
    Complete(Completion),
    /// Its key is freed.
    Release,
}

impl End {
    /// Follows [outcome of a response](crate::rules::semantics#outcome-of-a-response). With `recover`, an ambiguous
    /// failure is stored as unknown, so that the next request runs the hook.
    fn of(outcome: Outcome, lease: &Lease, completion: Completion) -> Self {
        match (outcome, lease.policy().guarantee) {
            (Outcome::NotExecuted, _) | (Outcome::Ambiguous, Guarantee::AtLeastOnce) => {
                Self::Release
            }
            (Outcome::Ambiguous, Guarantee::AtMostOnce) if lease.recoverable() => {
                Self::Complete(Completion::unknown(UnknownReason::Ambiguous))
            }
            (Outcome::Final, _) | (Outcome::Ambiguous, Guarantee::AtMostOnce) => {
                Self::Complete(completion)
            }
        }
    }
}

impl Settlement {
    pub(super) fn new(idempotency: &Idempotency, lease: Lease) -> Self {
        let tracked = idempotency.0.runs.token();
        Self { idempotency: idempotency.clone(), lease, tracked }
    }

    pub(super) const fn lease(&self) -> &Lease {
        &self.lease
    }

    pub(super) fn store(&self) -> &dyn IdempotencyStore {
        &*self.idempotency.0.store
    }

    pub(super) fn config(&self) -> &Config {
        &self.idempotency.0.config
    }

    /// The run, for the code of its handler.
    pub(super) fn execution(&self) -> Execution {
        Execution::leased(Arc::clone(self.lease.state()), self.idempotency.clone())
    }

    fn request(&self) -> RequestIdentity {
        RequestIdentity {
            fingerprint: self.lease.fingerprint(),
            recoverable: self.lease.recoverable(),
        }
    }

    /// The rejection of a run that was given up. With `recover`, the next request runs the hook.
    pub(super) fn given_up(&self) -> Rejection {
        let retry_after = self.lease.recoverable().then_some(Duration::ZERO);
        Rejection::OutcomeUnknown { retry_after }
    }

    /// Writes the end of a run whose handler returned `executed`, and returns the result for its caller.
    ///
    /// Cancel safe: if the caller leaves, the rest of the work becomes a task.
    pub(super) fn settle<T>(
        self,
        executed: Executed<T>,
    ) -> impl Future<Output = Result<Served<T>, Rejection>> {
        self.lease.begin_settling();
        let Executed { reply, outcome, completion } = executed;
        let (state, request) = (Arc::clone(self.lease.state()), self.request());
        let status = status_of(&completion);
        let may_be_contradicted = self.lease.state().may_be_replaced() && outcome == Outcome::Final;
        let end = End::of(outcome, &self.lease, completion);
        let releases = matches!(end, End::Release);
        let written = self.write(end);
        async move {
            match written.await {
                // If the release failed, the key stays held until the lease is over, which is safe.
                _ if releases => Ok(Served::Executed(reply)),
                Ok(Update::Applied) => Ok(Served::Executed(reply)),
                Ok(Update::Stale(existing)) => {
                    let (operation, record) = state.names();
                    let attempt = state.holder.claim.attempt;
                    tracing::warn!(operation, %record, attempt, status, "late completion: the claim was taken over or is gone, so two effects may exist");
                    let late = || Event::LateCompletion { operation, record, attempt, status };
                    state.holder.watch.emit(late);
                    let accepted = evaluate_stale(Finder::StaleRun, request, existing);
                    accepted.map(Served::Replayed)
                }
                // A client must not see a success that a later request can contradict.
                Err(error) if may_be_contradicted => Err(Rejection::Unrecorded(error)),
                Err(error) => {
                    let error = &error as &dyn Error;
                    let (operation, record) = state.names();
                    tracing::error!(operation, %record, error, "the response is not stored yet; still trying");
                    Ok(Served::Executed(reply))
                }
            }
        }
    }

    /// Stores the result that a `recover` hook found, whatever its status is, and returns it as a replay.
    pub(super) async fn settle_recovered<T>(
        self,
        executed: Executed<T>,
    ) -> Result<Served<T>, Rejection> {
        let stored = match &executed.completion {
            Completion::Response(response) => Some(response.clone()),
            Completion::NotRetained { .. } | Completion::Unknown(_) => None,
        };
        let served = self.settle(Executed { outcome: Outcome::Final, ..executed }).await?;
        Ok(stored.map_or(served, Served::Replayed))
    }

    /// Stores that the outcome is still unknown. If that fails, the record reads as unknown once its lease is over.
    pub(super) async fn end_unknown(self, unknown: UnknownOutcome) {
        self.lease.begin_settling();
        let state = Arc::clone(self.lease.state());
        if let Err(error) = self.write(End::Complete(Completion::Unknown(unknown))).await {
            let error = &error as &dyn Error;
            let (operation, record) = state.names();
            tracing::warn!(operation, %record, error, "cannot store yet that an outcome is unknown; still trying");
        }
    }

    /// Returns the result for the caller of a run that was cancelled because it may have lost its key. Its
    /// effects are unknown, and blocking code may still be running. But another run may own the key now, and
    /// its result may already be [accepted](crate::rules::semantics#stale-runs).
    pub(super) async fn settle_lost<T>(&self) -> Result<Served<T>, Rejection> {
        let existing = self.read_current().await;
        evaluate_stale(Finder::StaleRun, self.request(), existing).map(Served::Replayed)
    }

    /// Reads the current record, if the store replies within [`CALLER_TIMEOUT`]. A completion with the run's own
    /// claim would be accepted if no other run had claimed the key, and would end a record that the next request
    /// should take over.
    async fn read_current(&self) -> Option<Box<ExistingRecord>> {
        let claim = unmatched_claim(self.lease.claim().id);
        let ttl = self.lease.policy().ttl;
        let store = self.store();
        let reading = complete_with_retries(store, claim, &NEVER_APPLIED, ttl, CALLER_TIMEOUT);
        match timeout(CALLER_TIMEOUT, reading).await {
            Ok(Ok(Update::Stale(existing))) => existing,
            Ok(Ok(Update::Applied)) | Err(_) => None,
            Ok(Err(error)) => {
                let error = &error as &dyn Error;
                let operation = self.lease.state().operation();
                tracing::warn!(operation, record = %claim.id, error, "cannot read the record of a cancelled run");
                None
            }
        }
    }

    /// Writes the end. If the store does not apply it immediately, the rest is boxed, so that other runs
    /// need not reserve the space.
    fn write(self, end: End) -> StoreFuture<Update> {
        match self.send(&end).into_ok() {
            Ok(update) => {
                self.keep_if_late(&end, &update);
                StoreFuture::ready(Ok(update))
            }
            Err(first) => StoreFuture::new(self.write_with_retries(first, end)),
        }
    }

    /// Waits for the reply to `first` and sends the end again until the store replies or the run's `max_run`
    /// is over: until the caller's timeout in place, and after that in a background task.
    async fn write_with_retries(
        self,
        first: StoreFuture<Update>,
        end: End,
    ) -> Result<Update, StoreError> {
        let state = Arc::clone(self.lease.state());
        let work = async move {
            let timeout = self.idempotency.0.config.store_timeout;
            let wanted = || !self.lease.overran();
            let mut first = Some(first);
            let attempt = || first.take().unwrap_or_else(|| self.send(&end)).bounded(timeout);
            let written = retry_until_stored(attempt, wanted).await;
            if let Ok(update) = &written {
                self.keep_if_late(&end, update);
            }
            drop(self.tracked);
            written
        };
        let in_place = timeout(CALLER_TIMEOUT, DetachOnDrop::new(Box::pin(work), spawn_on_runtime));
        let written = in_place.await.unwrap_or_else(|elapsed| Err(StoreError::unknown(elapsed)));
        if written.is_err() {
            let (operation, record) = state.names();
            state.holder.watch.emit(|| Event::CompletionDelayed { operation, record });
        }
        written
    }

    fn keep_if_late(&self, end: &End, update: &Update) {
        if let (End::Complete(completion), Update::Stale(_)) = (end, update) {
            self.idempotency.keep_late_completion(self.lease.claim(), completion);
        }
    }

    fn send(&self, end: &End) -> StoreFuture<Update> {
        let (store, claim) = (&self.idempotency.0.store, self.lease.claim());
        match end {
            End::Complete(completion) => {
                store.complete(claim, completion.clone(), self.lease.policy().retention(completion))
            }
            End::Release => store.release(claim),
        }
    }
}
