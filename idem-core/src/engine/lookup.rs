//! The record of a key, read without a claim: for the status of a key, and at the
//! [limit of runs](crate::rules::semantics#concurrent-runs), where requests that would not run are still served.

use std::time::Duration;

use super::{Call, Idempotency};
use crate::model::{
    Claim, ClaimNonce, Completion, ExistingRecord, FencingToken, Guarantee, RecordId, Rejection,
    State, StoreError, StoreErrorKind, contradict,
};
use crate::store::Update;

impl Idempotency {
    /// Returns the record that decides what a request gets while no place is left for a run. Nothing is claimed.
    ///
    /// # Errors
    /// [`Rejection::TooManyRuns`] if the request would run.
    pub(super) async fn record_at_run_limit(
        &self,
        call: &Call,
    ) -> Result<ExistingRecord, Rejection> {
        let existing = self.read_record(call.id).await?;
        existing.filter(|existing| !may_take_over(call, existing)).ok_or(Rejection::TooManyRuns)
    }

    /// Reads a record.
    pub(super) async fn read_record(
        &self,
        id: RecordId,
    ) -> Result<Option<ExistingRecord>, Rejection> {
        self.find_existing(id).await.map_err(|error| match error.kind() {
            StoreErrorKind::Corrupt => Rejection::RecordUnreadable(error),
            _ => Rejection::StoreUnavailable(Some(error)),
        })
    }

    /// Reads a record, with the error of the store.
    pub(crate) async fn find_existing(
        &self,
        id: RecordId,
    ) -> Result<Option<ExistingRecord>, StoreError> {
        let claim = unmatched_claim(id);
        let reading = self.0.store.complete(claim, NEVER_APPLIED, Duration::ZERO);
        Ok(match reading.bounded(self.0.config.store_timeout).await? {
            Update::Stale(existing) => existing.map(|existing| *existing),
            Update::Applied => None,
        })
    }
}

/// The completion that is sent to read a record.
pub(super) const NEVER_APPLIED: Completion = Completion::NotRetained { status: 0 };

/// Returns a claim that matches no record. The store rejects its completion and reports the record, which reads the
/// record without changing it.
pub(super) fn unmatched_claim(id: RecordId) -> Claim {
    Claim { id, nonce: ClaimNonce::random(), token: FencingToken(0), attempt: 1 }
}

/// Whether a claim of this request might take the record over or recover it. Only the store knows the number of its attempts.
fn may_take_over(call: &Call, existing: &ExistingRecord) -> bool {
    let may_run = call.policy.guarantee == Guarantee::AtLeastOnce
        || call.recoverable && existing.recoverable_in == Some(Duration::ZERO);
    matches!(existing.state, State::Unknown(_))
        && may_run
        && !contradict(existing.fingerprint, call.fingerprint)
}
