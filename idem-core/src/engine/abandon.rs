//! The abandonment of a lost claim: the key becomes free again, although the store may apply the claim later
//! ([lost replies](crate::rules::guarantees#lost-replies)).

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::Idempotency;
use super::retry::{ATTEMPT_TIMEOUT, backoff};
use crate::detach::spawn_on_runtime;
use crate::model::{Claim, ClaimNonce, RecordId, State, StoreError, StoreErrorKind};
use crate::store::{ClaimOutcome, IdempotencyStore, StoreFuture, Update};

/// The times of further calls if the store does not hold the claim, counted from the first call. The claim may
/// still be on its way. If the store replies, the last call is sent when the lease of the claim is over.
const ASK_AGAIN_AT: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// The time after the end of the lease for which a store without a reply is asked again. A paused server applies a claim when
/// it resumes.
const MAX_SILENCE: Duration = Duration::from_secs(60);

/// A claim that no run uses: its caller got no reply, or does not wait for it any more.
#[derive(Clone, Copy)]
pub(super) struct LostClaim {
    id: RecordId,
    nonce: ClaimNonce,
    lease: Duration,
    /// Whether the store may hold the claim, or may still receive it.
    may_be_held: bool,
    /// Whether the store has received the claim. Nothing of it is left once the store does not hold it.
    arrived: bool,
}

impl LostClaim {
    /// A claim that is about to be sent.
    pub(super) const fn unsent(id: RecordId, nonce: ClaimNonce, lease: Duration) -> Self {
        Self { id, nonce, lease, may_be_held: false, arrived: false }
    }

    /// A claim that the store granted, and that no run will use.
    pub(super) const fn acquired(claim: Claim, lease: Duration) -> Self {
        Self { id: claim.id, nonce: claim.nonce, lease, may_be_held: true, arrived: true }
    }

    pub(super) const fn may_be_held(&self) -> bool {
        self.may_be_held
    }

    /// Notes what the reply to one call of the claim shows.
    pub(super) fn observe(&mut self, reply: &Result<ClaimOutcome, StoreError>) {
        match reply {
            // The caller owns the key now, and ends the claim itself.
            Ok(ClaimOutcome::Acquired(_) | ClaimOutcome::Recovering(..)) => {
                self.may_be_held = false;
            }
            // The record has ended. An earlier call that arrives later finds it too, and does not recover it.
            Ok(ClaimOutcome::Exists(existing))
                if existing.state != State::Running && existing.recoverable_in.is_none() =>
            {
                self.may_be_held = false;
            }
            Ok(ClaimOutcome::Exists(_) | ClaimOutcome::AtCapacity(_)) => {}
            Err(error) => self.may_be_held |= error.kind() == StoreErrorKind::Unknown,
        }
    }
}

impl Idempotency {
    /// Abandons `lost` in a background task, for which [`drain`](Self::drain) waits a few seconds: the key must not
    /// end as unknown, because no handler ran. `late` is the last call of the claim, if it has no reply yet.
    pub(super) fn abandon(&self, lost: LostClaim, late: Option<StoreFuture<ClaimOutcome>>) {
        let engine = &self.0;
        let abandonment = Abandonment { store: Arc::clone(&engine.store), lost };
        spawn_on_runtime(engine.abandonments.track_future(abandonment.run(late)));
    }
}

struct Abandonment {
    store: Arc<dyn IdempotencyStore>,
    lost: LostClaim,
}

impl Abandonment {
    /// Asks the store to abandon the claim until it confirms that, or nothing of the claim can be left, or the
    /// lease is over. A store without a reply is asked for longer.
    async fn run(mut self, late: Option<StoreFuture<ClaimOutcome>>) {
        // A task of its own drives the late call to its end, because a store call must not be dropped.
        let mut late = late.map(tokio::spawn);
        let (started, lease) = (Instant::now(), self.lost.lease);
        let (mut failures, mut is_silent) = (0, false);
        loop {
            let is_over = started.elapsed() >= lease;
            let reply = self.store.abandon(self.lost.id, self.lost.nonce).bounded(ATTEMPT_TIMEOUT);
            let next = match reply.await {
                Ok(Update::Applied) => return,
                Ok(Update::Stale(_)) if self.lost.arrived => return,
                Ok(Update::Stale(_)) if !is_over => {
                    is_silent = false;
                    next_at(started.elapsed()).unwrap_or(lease)
                }
                // The claim may still be on its way to a store that has just resumed.
                Ok(Update::Stale(_)) if is_silent => {
                    is_silent = false;
                    started.elapsed() + ASK_AGAIN_AT[0]
                }
                Ok(Update::Stale(_)) => return,
                Err(error) if error.kind() == StoreErrorKind::Corrupt => return,
                Err(_) if started.elapsed() >= lease + MAX_SILENCE => return,
                Err(_) => {
                    is_silent = true;
                    failures += 1;
                    started.elapsed() + backoff(failures)
                }
            };
            let next = if is_over { next } else { next.min(lease) };
            if !self.wait_until(started, next, &mut late).await {
                return;
            }
        }
    }

    /// Waits until `next`, counted from `started`, or until the late call shows that the claim was acquired.
    /// Returns false if the late call shows that nothing is left to abandon.
    async fn wait_until(
        &mut self,
        started: Instant,
        next: Duration,
        late: &mut Option<JoinHandle<Result<ClaimOutcome, StoreError>>>,
    ) -> bool {
        let pause = || next.saturating_sub(started.elapsed());
        if let Some(call) = late {
            let Ok(reply) = timeout(pause(), call).await else { return true };
            *late = None;
            // The call is only lost if its task panicked or the runtime ended.
            let Ok(reply) = reply else { return true };
            self.lost.observe(&reply);
            self.lost.arrived =
                matches!(reply, Ok(ClaimOutcome::Acquired(_) | ClaimOutcome::Recovering(..)));
            if self.lost.arrived || !self.lost.may_be_held {
                return self.lost.arrived;
            }
        }
        sleep(pause()).await;
        true
    }
}

/// Returns the time of the next call, or `None` for the end of the lease.
fn next_at(elapsed: Duration) -> Option<Duration> {
    ASK_AGAIN_AT.into_iter().find(|at| *at > elapsed)
}
