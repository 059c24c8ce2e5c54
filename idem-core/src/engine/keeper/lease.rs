//! A claim under the keeper's care, as the keeper and as its run see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;

use super::schedule::{Place, Schedule};
use crate::engine::after;
use crate::model::{Claim, Fingerprint, Guarantee, Policy};

/// What became of a claim while its run was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Fate {
    /// Somebody else may own the key, under at least once.
    Lost,
    /// It ran too long, or shutdown would wait no longer; the record says that its outcome is unknown.
    GivenUp,
}

const OPEN: u8 = 0;
const LOST: u8 = 1;
const GIVEN_UP: u8 = 2;
const SETTLING: u8 = 3;
const ENDED: u8 = 4;

/// The keeper's side.
pub(super) struct Held {
    pub(super) claim: Claim,
    pub(super) policy: &'static Policy,
    fingerprint: Option<Fingerprint>,
    give_up_at: Instant,
    claimed_at: Instant,
    /// When the last renewal that succeeded was sent, in microseconds since the claim was. The owner
    /// counts its lease from before the request was sent (RELIABILITY section 5).
    renewed_at: AtomicU64,
    fate: AtomicU8,
    run: AtomicWaker,
}

impl Held {
    pub(super) fn new(
        claim: Claim,
        policy: &'static Policy,
        fingerprint: Option<Fingerprint>,
        claimed_at: Instant,
    ) -> Self {
        Self {
            claim,
            policy,
            fingerprint,
            give_up_at: after(claimed_at, policy.max_run),
            claimed_at,
            renewed_at: AtomicU64::new(0),
            fate: AtomicU8::new(OPEN),
            run: AtomicWaker::new(),
        }
    }

    /// Whether the claim is still its run's: the handler goes on, or its end is being written.
    pub(super) fn is_open(&self) -> bool {
        self.is_settling() || self.fate.load(Ordering::Acquire) == OPEN
    }

    /// Whether the handler has ended and the store has not taken its end yet.
    pub(super) fn is_settling(&self) -> bool {
        self.fate.load(Ordering::Acquire) == SETTLING
    }

    /// Decides the fate of a run whose handler goes on, and tells it. What a handler that ended has to
    /// say is never overwritten.
    pub(super) fn decide(&self, fate: Fate) -> bool {
        let fate = match fate {
            Fate::Lost => LOST,
            Fate::GivenUp => GIVEN_UP,
        };
        let decided =
            self.fate.compare_exchange(OPEN, fate, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if decided {
            self.run.wake();
        }
        decided
    }

    pub(super) fn renewed(&self, sent_at: Instant) {
        self.renewed_at.fetch_max(self.since_claimed(sent_at), Ordering::AcqRel);
    }

    /// Whether no renewal has succeeded for a whole lease.
    pub(super) fn lapsed(&self, now: Instant) -> bool {
        let renewed_at = self.renewed_at.load(Ordering::Acquire);
        let since = self.since_claimed(now).saturating_sub(renewed_at);
        Duration::from_micros(since) >= self.policy.lease
    }

    pub(super) fn overran(&self, now: Instant) -> bool {
        now >= self.give_up_at
    }

    pub(super) fn may_be_taken_over(&self) -> bool {
        self.policy.guarantee == Guarantee::AtLeastOnce
    }

    /// A third of the lease from now, a little less at random so that the claims of a burst spread out.
    pub(super) fn next_due(&self, now: Instant) -> Instant {
        let third = (self.policy.lease / 3).mul_f64(rand::random_range(0.8..1.0));
        after(now, third).min(self.give_up_at)
    }

    fn since_claimed(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.claimed_at).as_micros()).unwrap_or(u64::MAX)
    }
}

/// The run's side: dropping it ends the keeper's care.
pub(in crate::engine) struct Lease {
    held: Arc<Held>,
    schedule: Arc<Schedule>,
    /// Where the schedule had it first; it moves only when it is renewed.
    place: Place,
}

impl Lease {
    pub(super) const fn new(held: Arc<Held>, schedule: Arc<Schedule>, place: Place) -> Self {
        Self { held, schedule, place }
    }

    pub(in crate::engine) fn claim(&self) -> Claim {
        self.held.claim
    }

    pub(in crate::engine) fn policy(&self) -> &'static Policy {
        self.held.policy
    }

    fn fate(&self) -> Option<Fate> {
        match self.held.fate.load(Ordering::Acquire) {
            LOST => Some(Fate::Lost),
            GIVEN_UP => Some(Fate::GivenUp),
            _ => None,
        }
    }

    /// The handler has ended: from now on nobody but its run says how.
    pub(in crate::engine) fn settle(&self) {
        // A fate that was decided in the same moment stands; the end is written over it.
        let fate = &self.held.fate;
        let _decided = fate.compare_exchange(OPEN, SETTLING, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Whether the run took longer than its policy lets it.
    pub(in crate::engine) fn overran(&self) -> bool {
        self.held.overran(Instant::now())
    }

    /// What the request was, if it is compared.
    pub(in crate::engine) fn fingerprint(&self) -> Option<Fingerprint> {
        self.held.fingerprint
    }

    /// Resolves when the claim is lost or given up.
    pub(in crate::engine) fn poll_fate(&self, cx: &mut Context<'_>) -> Poll<Fate> {
        self.held.run.register(cx.waker());
        self.fate().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.held.fate.swap(ENDED, Ordering::AcqRel) == OPEN {
            let record = &self.held.claim.id;
            tracing::warn!(%record, "a run was dropped before it ended: its outcome is unknown once its lease is over");
        }
        self.schedule.remove(&self.place);
    }
}
