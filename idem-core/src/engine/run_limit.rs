//! The limit on concurrent runs ([concurrent runs](crate::rules::semantics#concurrent-runs)).

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::execution::Execution;
use super::{Call, Idempotency};
use crate::model::{
    Claim, ClaimNonce, Completion, ExistingRecord, FencingToken, Guarantee, Rejection, State,
    StoreErrorKind, contradict,
};
use crate::store::Update;

/// Limits the number of concurrent runs of the process, if the builder sets a limit.
pub(super) struct RunLimiter(Option<Arc<Semaphore>>);

/// The place of one run. Dropping it frees the place.
///
/// The run holds it, and not the request: a run whose client disconnects still uses resources.
pub(super) struct RunPermit(Option<Arc<Semaphore>>);

impl Drop for RunPermit {
    fn drop(&mut self) {
        if let Some(places) = &self.0 {
            places.add_permits(1);
        }
    }
}

impl RunLimiter {
    pub(super) fn new(max_runs: Option<usize>) -> Self {
        let places = |runs: usize| Arc::new(Semaphore::new(runs.min(Semaphore::MAX_PERMITS)));
        Self(max_runs.map(places))
    }

    /// Whether a run finds a place now. A call inside of a run is part of that run and needs none.
    pub(super) fn has_place(&self) -> bool {
        let full = self.0.as_ref().is_some_and(|places| places.available_permits() == 0);
        !full || Execution::try_current().is_some()
    }

    /// Takes a place for a run. Returns `None` if all are taken.
    pub(super) fn enter(&self) -> Option<RunPermit> {
        let Some(places) = self.0.as_ref().filter(|_| Execution::try_current().is_none()) else {
            return Some(RunPermit(None));
        };
        // The place is given back by the permit, which is smaller than the one of tokio.
        places.try_acquire().ok()?.forget();
        Some(RunPermit(Some(Arc::clone(places))))
    }
}

impl Idempotency {
    /// Returns the record that decides what a request gets while no place is left for a run. Nothing is claimed.
    ///
    /// # Errors
    /// [`Rejection::TooManyRuns`] if the request would run.
    pub(super) async fn record_at_run_limit(
        &self,
        call: &Call,
    ) -> Result<ExistingRecord, Rejection> {
        let existing = self.read_record(call).await?;
        existing.filter(|existing| !may_take_over(call, existing)).ok_or(Rejection::TooManyRuns)
    }

    /// Reads the record of the key. For that, it sends a `complete` that does not match any claim: the store rejects it
    /// and reports the record.
    async fn read_record(&self, call: &Call) -> Result<Option<ExistingRecord>, Rejection> {
        let nonce = ClaimNonce::random();
        let claim = Claim { id: call.id, nonce, token: FencingToken(0), attempt: 1 };
        let reading = self.0.store.complete(claim, Completion::Unknown, call.policy.ttl);
        match reading.bounded(self.0.config.store_timeout).await {
            Ok(Update::Stale(existing)) => Ok(existing.map(|existing| *existing)),
            Ok(Update::Applied) => Ok(None),
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                Err(Rejection::RecordUnreadable(error))
            }
            Err(error) => Err(Rejection::StoreUnavailable(Some(error))),
        }
    }
}

/// Whether a claim of this request might take the record over. Only the store knows the number of its attempts.
fn may_take_over(call: &Call, existing: &ExistingRecord) -> bool {
    existing.state == State::Unknown
        && call.policy.guarantee == Guarantee::AtLeastOnce
        && !contradict(existing.fingerprint, call.fingerprint)
}
