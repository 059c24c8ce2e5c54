//! The shared state of a lease, which its run and the renewal thread both change.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use tracing::Span;

use crate::engine::deadline::after;
use crate::engine::report::{CallReport, RunEnd};
use crate::engine::served::Served;
use crate::model::{Claim, Extras, Fingerprint, Guarantee, LostRun, Policy, RecordId, Rejection};
use crate::observe::Watch;

/// The reason why a run was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum LeaseLoss {
    /// Another run may own the key. Only under at least once and with `recover`.
    PossibleTakeover,
    /// The run exceeded `max_run` or the deadline of a drain. The record has an unknown outcome.
    GivenUp,
}

/// The values of [`LeaseState::phase`].
const RUNNING: u8 = 0;
const POSSIBLE_TAKEOVER: u8 = 1;
const GIVEN_UP: u8 = 2;
const SETTLING: u8 = 3;
const ENDED: u8 = 4;

/// The run that holds a lease.
pub(in crate::engine) struct LeaseHolder {
    pub(in crate::engine) claim: Claim,
    pub(in crate::engine) policy: &'static Policy,
    pub(in crate::engine) fingerprint: Option<Fingerprint>,
    /// Whether the handler has `recover`.
    pub(in crate::engine) recoverable: bool,
    /// The lost run whose outcome the claim recovers.
    pub(in crate::engine) lost_run: Option<LostRun>,
    /// The time after which another recovery may start if this one is given up.
    pub(in crate::engine) recheck: Duration,
    /// The names of the run for reports.
    pub(in crate::engine) extras: Extras,
    /// The span of the call, until its end is reported. A renewal or a write in the background can hold this value for
    /// longer, and the span must close with the call.
    pub(in crate::engine) span: Mutex<Span>,
    pub(in crate::engine) watch: Watch,
}

/// The state of one lease.
pub(in crate::engine) struct LeaseState {
    pub(in crate::engine) holder: LeaseHolder,
    give_up_at: Instant,
    claimed_at: Instant,
    /// When the last successful renewal was sent, in microseconds since `claimed_at`. Both times are from
    /// before the request was sent, so the lease never ends later here than in the store.
    renewed_at: AtomicU64,
    phase: AtomicU8,
    waker: AtomicWaker,
    in_recovery: AtomicBool,
    /// Whether the run took a downstream key or confirmed its claim.
    acted: AtomicBool,
}

impl LeaseState {
    pub(super) fn new(holder: LeaseHolder, claimed_at: Instant) -> Self {
        Self {
            give_up_at: after(claimed_at, holder.policy.max_run),
            claimed_at,
            renewed_at: AtomicU64::new(0),
            phase: AtomicU8::new(RUNNING),
            waker: AtomicWaker::new(),
            in_recovery: AtomicBool::new(holder.lost_run.is_some()),
            acted: AtomicBool::new(false),
            holder,
        }
    }

    /// The name of the operation.
    pub(in crate::engine) fn operation(&self) -> &str {
        self.holder.extras.operation()
    }

    /// The operation and the record of the run, which every log line and event names.
    pub(in crate::engine) fn names(&self) -> (&str, RecordId) {
        (self.operation(), self.holder.claim.id)
    }

    /// The span of the call.
    pub(in crate::engine) fn span(&self) -> Span {
        self.lock_span().clone()
    }

    /// Reports the end of the call. `end` is the end of the handler, if it ran.
    pub(in crate::engine) fn report_end<T>(
        &self,
        result: &Result<Served<T>, Rejection>,
        end: Option<RunEnd>,
    ) {
        let span = &mem::replace(&mut *self.lock_span(), Span::none());
        let LeaseHolder { claim, watch, extras, .. } = &self.holder;
        CallReport {
            watch,
            span,
            names: extras,
            record: Some(claim.id),
            attempt: claim.attempt,
            started: Some(self.claimed_at),
        }
        .ended(result, end);
    }

    fn lock_span(&self) -> MutexGuard<'_, Span> {
        self.holder.span.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lost run, while the claim recovers its outcome.
    pub(in crate::engine) fn lost_run(&self) -> Option<LostRun> {
        self.holder.lost_run.filter(|_| self.in_recovery.load(Ordering::Acquire))
    }

    /// Marks that the handler runs from now on. What the hook did does not count as an act of the run.
    pub(in crate::engine) fn end_recovery(&self) {
        self.acted.store(false, Ordering::Release);
        self.in_recovery.store(false, Ordering::Release);
    }

    /// Marks that the run may have had an effect, unless it is a recovery.
    pub(in crate::engine) fn mark_acted(&self) {
        if self.lost_run().is_none() {
            self.acted.store(true, Ordering::Release);
        }
    }

    /// Whether no status of a response frees the key ([acted runs](crate::rules::semantics#acted-runs)).
    pub(in crate::engine) fn holds_acted_run(&self) -> bool {
        self.holder.policy.guarantee == Guarantee::AtMostOnce && self.acted.load(Ordering::Acquire)
    }

    /// Whether the handler is active and the run has not been given up.
    pub(in crate::engine) fn is_running(&self) -> bool {
        self.phase.load(Ordering::Acquire) == RUNNING
    }

    /// Whether the claim still belongs to its run: the handler is active, or its end is being written.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase.load(Ordering::Acquire), RUNNING | SETTLING)
    }

    /// Whether the handler has ended and the store has not accepted the end yet.
    pub(super) fn is_settling(&self) -> bool {
        self.phase.load(Ordering::Acquire) == SETTLING
    }

    /// Cancels the run if its handler is active. Returns false if the handler has ended, or the lease was
    /// lost before.
    pub(super) fn lose(&self, loss: LeaseLoss) -> bool {
        let lost = self.leave_running(match loss {
            LeaseLoss::PossibleTakeover => POSSIBLE_TAKEOVER,
            LeaseLoss::GivenUp => GIVEN_UP,
        });
        if lost {
            self.waker.wake();
        }
        lost
    }

    /// Marks that the handler has ended. From now on only the run writes its end. A loss at the same moment
    /// stays recorded, and the end is written over it.
    pub(super) fn begin_settling(&self) {
        self.leave_running(SETTLING);
    }

    fn leave_running(&self, next: u8) -> bool {
        self.phase.compare_exchange(RUNNING, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Marks that the run is over. Returns whether it was dropped while its handler was active.
    pub(super) fn end(&self) -> bool {
        self.phase.swap(ENDED, Ordering::AcqRel) == RUNNING
    }

    /// Returns the loss of the lease, if there is one, and otherwise lets `waker` be woken by it.
    pub(super) fn poll_loss(&self, waker: &Waker) -> Option<LeaseLoss> {
        self.waker.register(waker);
        self.loss()
    }

    /// Returns the loss of the lease, if there is one.
    pub(super) fn loss(&self) -> Option<LeaseLoss> {
        match self.phase.load(Ordering::Acquire) {
            POSSIBLE_TAKEOVER => Some(LeaseLoss::PossibleTakeover),
            GIVEN_UP => Some(LeaseLoss::GivenUp),
            _ => None,
        }
    }

    /// Records that a renewal which was sent at `sent_at` succeeded.
    pub(in crate::engine) fn renewed(&self, sent_at: Instant) {
        self.renewed_at.fetch_max(self.since_claimed(sent_at), Ordering::AcqRel);
    }

    /// Whether the last successful renewal is a whole lease ago.
    pub(super) fn lapsed(&self, now: Instant) -> bool {
        let renewed_at = self.renewed_at.load(Ordering::Acquire);
        let since = self.since_claimed(now).saturating_sub(renewed_at);
        Duration::from_micros(since) >= self.holder.policy.lease
    }

    /// Whether the run exceeded its `max_run`.
    pub(super) fn overran(&self, now: Instant) -> bool {
        now >= self.give_up_at
    }

    /// Whether another request can run or recover once the lease is over in the store.
    pub(in crate::engine) fn may_be_replaced(&self) -> bool {
        self.holder.policy.guarantee == Guarantee::AtLeastOnce || self.holder.recoverable
    }

    /// Returns the time of the next renewal: a third of the lease after `now`, reduced at random by up to a
    /// fifth so that the renewals of a burst spread out. At the latest when the run is given up.
    pub(super) fn next_due(&self, now: Instant) -> Instant {
        let third = (self.holder.policy.lease / 3).mul_f64(rand::random_range(0.8..1.0));
        after(now, third).min(self.give_up_at)
    }

    fn since_claimed(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.claimed_at).as_micros()).unwrap_or(u64::MAX)
    }
}
