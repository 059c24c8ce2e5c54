//! The first step: one atomic claim, and what to do when it is lost or its answer is.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use tokio::time::{sleep_until, timeout_at};

use super::settle::{LostClaim, abandon};
use super::{Call, Engine, Idempotency, after};
use crate::detach::{InPlace, to_runtime};
use crate::model::{RecordId, Rejection, StoreError, StoreErrorKind};
use crate::store::{ClaimOutcome, ClaimRequest, IdempotencyStore, StoreFuture};

/// How often a claim is sent before the request is refused.
const SENDS: u32 = 3;

/// A claim that was sent and not answered with success at once.
pub(super) struct SentClaim {
    id: RecordId,
    request: ClaimRequest,
    answer: StoreFuture<ClaimOutcome>,
    pub(super) at: Instant,
}

impl Idempotency {
    /// Claims the key, `at` this moment. What the store does not answer at once is to be
    /// [insisted](Self::insist) on.
    pub(super) fn claim(&self, call: &Call, at: Instant) -> Either<ClaimOutcome, SentClaim> {
        let (id, request) = (call.id, call.claim_request());
        match self.0.store.claim(id, request).into_ok() {
            Ok(claimed) => Either::Left(claimed),
            Err(answer) => Either::Right(SentClaim { id, request, answer, at }),
        }
    }

    /// Waits for the answer to a claim, sending the same nonce again if the store fails, within the store
    /// timeout.
    ///
    /// Cancel safe: a claim that may have been won by then is abandoned in the background (T8).
    pub(super) async fn insist(&self, sent: SentClaim) -> Result<ClaimOutcome, Rejection> {
        let SentClaim { id, request, answer: mut sent, .. } = sent;
        // A claim that is answered after its own lease may be somebody else's by then.
        let patience = self.0.config.store_timeout.min(request.lease);
        let deadline = after(Instant::now(), patience);
        let lost = LostClaim { id, nonce: request.nonce, lease: request.lease };
        let mut abandonment = Abandonment { engine: &self.0, lost, due: false };
        for sends in 1.. {
            let error = match self.await_claim(sent, lost, deadline).await {
                Ok(claimed) => {
                    abandonment.due &= !matches!(claimed, ClaimOutcome::Acquired(_));
                    return Ok(claimed);
                }
                Err(Failure::NoAnswer) => break,
                Err(Failure::Answered(error)) => error,
            };
            match error.kind() {
                StoreErrorKind::Corrupt => return Err(Rejection::RecordUnreadable(error)),
                StoreErrorKind::Unknown => abandonment.due = true,
                StoreErrorKind::NotDone => {}
            }
            let longest_pause = Duration::from_millis(20 << sends);
            let resume = Instant::now() + longest_pause.mul_f64(rand::random_range(0.5..1.0));
            if sends == SENDS || resume >= deadline {
                return Err(Rejection::StoreUnavailable(Some(error)));
            }
            sleep_until(resume.into()).await;
            sent = self.0.store.claim(id, request);
        }
        Err(Rejection::StoreUnavailable(None))
    }

    /// Waits for the answer to a claim. If its caller leaves or the deadline passes, the late answer is
    /// consumed on a task, and what it won is abandoned.
    async fn await_claim(
        &self,
        sent: StoreFuture<ClaimOutcome>,
        lost: LostClaim,
        deadline: Instant,
    ) -> Result<ClaimOutcome, Failure> {
        let pending = match sent.into_ready() {
            Ok(answer) => return answer.map_err(Failure::Answered),
            Err(pending) => pending,
        };
        let (store, runs) = (Arc::clone(&self.0.store), self.0.runs.clone());
        let in_place = InPlace::new(pending, move |late| {
            to_runtime(runs.track_future(undo(store, lost, late)));
        });
        match timeout_at(deadline.into(), in_place).await {
            Ok(answer) => answer.map_err(Failure::Answered),
            Err(_) => Err(Failure::NoAnswer),
        }
    }
}

enum Failure {
    /// The store said so.
    Answered(StoreError),
    /// Nothing yet; the call goes on behind us.
    NoAnswer,
}

/// Frees what a claim won that nobody waits for any more, whether its answer still comes or never does.
async fn undo(
    store: Arc<dyn IdempotencyStore>,
    lost: LostClaim,
    late: Pin<Box<StoreFuture<ClaimOutcome>>>,
) {
    let looking = pin!(abandon(store, lost));
    match select(late, looking).await {
        // It may have freed the key already; a second look would then find nothing for a whole lease.
        Either::Left((answer, looking)) if may_have_won(&answer) => looking.await,
        Either::Left(_) => {}
        // Driven to its end all the same; but nothing depends on it.
        Either::Right(((), late)) => to_runtime(late),
    }
}

fn may_have_won(late: &Result<ClaimOutcome, StoreError>) -> bool {
    match late {
        Ok(claimed) => matches!(claimed, ClaimOutcome::Acquired(_)),
        Err(error) => error.kind() == StoreErrorKind::Unknown,
    }
}

/// Begins to abandon a claim in the background when it is dropped while that is due. Shutdown waits for
/// it, as it does for a run: a key that nobody ran must not end as unknown.
struct Abandonment<'a> {
    engine: &'a Engine,
    lost: LostClaim,
    due: bool,
}

impl Drop for Abandonment<'_> {
    fn drop(&mut self) {
        if self.due {
            let abandoned = abandon(Arc::clone(&self.engine.store), self.lost);
            to_runtime(self.engine.runs.track_future(abandoned));
        }
    }
}
