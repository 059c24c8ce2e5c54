//! The claim of a key: its retries, and what happens if its reply comes too late.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use tokio::time::{sleep_until, timeout_at};
use tracing::Instrument;

use super::deadline::after;
use super::retry::{ATTEMPT_TIMEOUT, MAX_SENDS, pause, retry_until_stored};
use super::{Call, Idempotency};
use crate::detach::{DetachOnDrop, spawn_on_runtime};
use crate::model::{ClaimNonce, RecordId, Rejection, StoreError, StoreErrorKind};
use crate::store::{ClaimOutcome, ClaimRequest, IdempotencyStore, StoreFuture, Update};

impl Idempotency {
    /// Sends a claim, and returns its outcome if the store replies immediately with success. Otherwise
    /// returns the boxed rest of the work, for which no other call needs to reserve space.
    pub(super) fn try_claim<'a>(
        &'a self,
        call: &'a Call,
    ) -> Result<ClaimOutcome, BoxFuture<'a, Result<ClaimOutcome, Rejection>>> {
        let request = call.claim_request();
        let reply = call.span.in_scope(|| self.0.store.claim(call.id, request));
        reply.into_ok().map_err(|first| {
            self.retry_claim(call.id, request, first).instrument(call.span.clone()).boxed()
        })
    }

    /// Waits for the reply to a claim whose first call is `first`. If the store fails, the claim is sent
    /// again with the same nonce, within the store timeout.
    ///
    /// Cancel safe: a claim that the store may have granted is abandoned in the background
    /// ([lost replies](crate::rules::guarantees#lost-replies)).
    async fn retry_claim(
        &self,
        id: RecordId,
        request: ClaimRequest,
        first: StoreFuture<ClaimOutcome>,
    ) -> Result<ClaimOutcome, Rejection> {
        // After its own lease, a claim that was granted may already belong to another run.
        let timeout = self.0.config.store_timeout.min(request.lease);
        let deadline = after(Instant::now(), timeout);
        let lost = LostClaim { id, nonce: request.nonce, lease: request.lease };
        let mut abandonment = AbandonOnDrop { idempotency: self, lost, armed: false };
        let mut call = first;
        for sends in 1.. {
            let error = match self.await_claim(call, lost, deadline).await {
                Some(Ok(outcome)) => {
                    abandonment.armed &= !matches!(outcome, ClaimOutcome::Acquired(_));
                    return Ok(outcome);
                }
                Some(Err(error)) => error,
                None => break,
            };
            abandonment.armed |= error.kind() == StoreErrorKind::Unknown;
            let resume = Instant::now() + pause(sends);
            match error.kind() {
                StoreErrorKind::Corrupt => return Err(Rejection::RecordUnreadable(error)),
                _ if sends == MAX_SENDS || resume >= deadline => {
                    return Err(Rejection::StoreUnavailable(Some(error)));
                }
                _ => sleep_until(resume.into()).await,
            }
            call = self.0.store.claim(id, request);
        }
        Err(Rejection::StoreUnavailable(None))
    }

    /// Waits for the reply to one call. Returns `None` if `deadline` passes first.
    ///
    /// Cancel safe: if the deadline passes or the caller leaves, the rest becomes a task, which consumes the
    /// late reply and abandons the claim.
    async fn await_claim(
        &self,
        call: StoreFuture<ClaimOutcome>,
        lost: LostClaim,
        deadline: Instant,
    ) -> Option<Result<ClaimOutcome, StoreError>> {
        let pending = match call.into_ready() {
            Ok(reply) => return Some(reply),
            Err(pending) => pending,
        };
        let (store, runs) = (Arc::clone(&self.0.store), self.0.runs.clone());
        let reply = DetachOnDrop::new(pending, move |late| {
            spawn_on_runtime(runs.track_future(abandon_late_claim(store, lost, late)));
        });
        timeout_at(deadline.into(), reply).await.ok()
    }
}

/// A claim whose reply was lost.
#[derive(Clone, Copy)]
struct LostClaim {
    id: RecordId,
    nonce: ClaimNonce,
    lease: Duration,
}

/// Frees a key that a claim may have acquired after its caller stopped waiting, whether or not its reply
/// still arrives.
async fn abandon_late_claim(
    store: Arc<dyn IdempotencyStore>,
    lost: LostClaim,
    late: Pin<Box<StoreFuture<ClaimOutcome>>>,
) {
    let abandoning = pin!(abandon(store, lost));
    match select(late, abandoning).await {
        // The abandonment that is in progress may have freed the key already. A new one would then find
        // nothing, and repeat that for a whole lease.
        Either::Left((reply, abandoning)) if may_have_acquired(&reply) => abandoning.await,
        Either::Left(_) => {}
        // Nothing depends on the reply, but a store call must not be dropped.
        Either::Right(((), late)) => spawn_on_runtime(late),
    }
}

fn may_have_acquired(late: &Result<ClaimOutcome, StoreError>) -> bool {
    match late {
        Ok(outcome) => matches!(outcome, ClaimOutcome::Acquired(_)),
        Err(error) => error.kind() == StoreErrorKind::Unknown,
    }
}

/// Abandons a lost claim, and repeats that until the store confirms it or the lease is over. A reply that
/// nothing was found does not confirm it, because the claim may still be on its way.
async fn abandon(store: Arc<dyn IdempotencyStore>, claim: LostClaim) {
    let lease_end = after(Instant::now(), claim.lease);
    let attempt = || async {
        match store.abandon(claim.id, claim.nonce).bounded(ATTEMPT_TIMEOUT).await {
            Ok(Update::Applied) => Ok(Update::Applied),
            Ok(Update::Stale(_)) => Err(StoreError::unknown("the claim has not arrived")),
            Err(error) => Err(error),
        }
    };
    // If every attempt fails, the lease ends by itself, and the caller has its response already.
    drop(retry_until_stored(attempt, || Instant::now() < lease_end).await);
}

/// Abandons a claim in the background when it is dropped while armed. `drain` waits for that, as it does
/// for a run: the key must not end as unknown, because no handler ran.
struct AbandonOnDrop<'a> {
    idempotency: &'a Idempotency,
    lost: LostClaim,
    armed: bool,
}

impl Drop for AbandonOnDrop<'_> {
    fn drop(&mut self) {
        if self.armed {
            let engine = &self.idempotency.0;
            let abandoning = abandon(Arc::clone(&engine.store), self.lost);
            spawn_on_runtime(engine.runs.track_future(abandoning));
        }
    }
}
