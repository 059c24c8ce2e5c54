//! The end of a run: its completion is written, or its key freed, however long the store takes.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, ready};
use tokio::time::timeout;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::keeper::Lease;
use super::{Idempotency, after};
use crate::detach::{InPlace, to_runtime};
use crate::model::{Claim, ClaimNonce, Completion, StoreError, StoreErrorKind};
use crate::store::{ExistingRecord, IdempotencyStore, StoreFuture, Update};

/// How long the caller is kept while the store is asked again; then the work goes on behind its back.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// What a run holds until its end is written: the lease goes on, and shutdown waits.
pub(super) struct Settlement {
    pub(super) engine: Idempotency,
    pub(super) lease: Lease,
    pub(super) tracked: TaskTrackerToken,
}

/// How a run ends in the store.
#[derive(Clone)]
pub(super) enum End {
    /// With a completion (T4, T6).
    Complete(Completion),
    /// With the key freed (T7).
    Release,
}

/// What became of it.
pub(super) enum Settled {
    /// The key is free, or somebody else's by now.
    Released,
    /// The store answered to the completion.
    Completed(Update),
    /// The store did not take the completion yet; the work goes on until it does, or until
    /// the run's time is over.
    Postponed(StoreError),
}

impl Settlement {
    /// Writes the end. Never cut off: when the caller leaves or loses patience, the rest of the work
    /// becomes a task.
    pub(super) fn settle(self, end: End) -> impl Future<Output = Settled> {
        let releases = matches!(end, End::Release);
        let answer = match self.ask(&end).into_ready() {
            Ok(Ok(fenced)) => Either::Left(ready(Ok(fenced))),
            Ok(Err(error)) => Either::Right(self.insist(StoreFuture::ready(Err(error)), end)),
            Err(pending) => Either::Right(self.insist(pending, end)),
        };
        answer.map(move |answer| match answer {
            // A release that failed leaves the key held, which is safe; its caller has its answer.
            _ if releases => Settled::Released,
            Ok(fenced) => Settled::Completed(fenced),
            Err(error) => Settled::Postponed(error),
        })
    }

    /// What stands under the key of a run that was cut off, if the store tells within [`PATIENCE`].
    /// Asked by a completion of nobody's, which is refused and told. The run's own would be taken where
    /// nobody has moved the record, and so end a key that may still be taken over.
    pub(super) async fn look(&self) -> Option<Box<ExistingRecord>> {
        let nobodys = Claim { nonce: ClaimNonce::random(), ..self.lease.claim() };
        let ttl = self.lease.policy().ttl;
        let store = &*self.engine.0.store;
        let looking = conclude(store, nobodys, &Completion::Unknown, ttl, PATIENCE);
        match timeout(PATIENCE, looking).await {
            Ok(Ok(Update::Stale(standing))) => standing,
            Ok(Ok(Update::Applied)) | Err(_) => None,
            Ok(Err(error)) => {
                let (record, error) = (&nobodys.id, &error as &dyn Error);
                tracing::warn!(%record, error, "cannot tell what became of a run's key");
                None
            }
        }
    }

    fn ask(&self, end: &End) -> StoreFuture<Update> {
        let (store, claim) = (&self.engine.0.store, self.lease.claim());
        match end {
            End::Complete(completion) => {
                store.complete(claim, completion.clone(), self.lease.policy().ttl)
            }
            End::Release => store.release(claim),
        }
    }

    /// Waits for the first answer and asks again until there is one, for as long as callers have patience,
    /// and then behind their backs. Boxed, so that runs that need none of this stay small.
    fn insist(
        self,
        first: StoreFuture<Update>,
        end: End,
    ) -> BoxFuture<'static, Result<Update, StoreError>> {
        let work = async move {
            let timeout = self.engine.0.config.store_timeout;
            let wanted = || !self.lease.overran();
            let mut first = Some(first);
            let ask = || first.take().unwrap_or_else(|| self.ask(&end)).bounded(timeout);
            let answer = persist(ask, wanted).await;
            drop(self.tracked);
            answer
        };
        Box::pin(async move {
            let in_place = timeout(PATIENCE, InPlace::new(work, to_runtime));
            in_place.await.unwrap_or_else(|elapsed| Err(StoreError::unknown(elapsed)))
        })
    }
}

/// Writes `completion`, asking again for as long as there is `patience`.
pub(super) async fn conclude(
    store: &dyn IdempotencyStore,
    claim: Claim,
    completion: &Completion,
    ttl: Duration,
    patience: Duration,
) -> Result<Update, StoreError> {
    let until = after(Instant::now(), patience);
    let ask = || store.complete(claim, completion.clone(), ttl).bounded(PATIENCE);
    persist(ask, || Instant::now() < until).await
}

/// Frees what a claim may have won whose answer never came (T8): until the store confirms it, or the
/// lease is over. Finding nothing is no confirmation, since the claim may still be under way.
pub(super) async fn abandon(store: Arc<dyn IdempotencyStore>, claim: LostClaim) {
    let over_at = after(Instant::now(), claim.lease);
    let ask = || async {
        match store.abandon(claim.id, claim.nonce).bounded(PATIENCE).await {
            Ok(Update::Applied) => Ok(Update::Applied),
            Ok(Update::Stale(_)) => Err(StoreError::unknown("the claim has not arrived")),
            Err(error) => Err(error),
        }
    };
    // Its lease ends by itself; there is nobody left to tell.
    drop(persist(ask, || Instant::now() < over_at).await);
}

/// A claim whose answer was lost.
#[derive(Clone, Copy)]
pub(super) struct LostClaim {
    pub(super) id: crate::model::RecordId,
    pub(super) nonce: ClaimNonce,
    pub(super) lease: Duration,
}

/// Asks until there is an answer, with growing, jittered pauses.
async fn persist<A, F>(ask: A, wanted: impl Fn() -> bool) -> Result<Update, StoreError>
where
    A: FnMut() -> F,
    F: Future<Output = Result<Update, StoreError>>,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_secs(1))
        .with_jitter()
        .without_max_times();
    ask.retry(pauses)
        .sleep(tokio::time::sleep)
        .when(|error| error.kind() != StoreErrorKind::Corrupt && wanted())
        .await
}
