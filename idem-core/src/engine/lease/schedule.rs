//! The order in which leases are renewed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::state::LeaseState;

/// The time at which a lease is due, and a number that distinguishes leases with equal times.
pub(super) type DueKey = (Instant, u64);

/// All leases, sorted by the time at which they are due.
#[derive(Default)]
pub(super) struct Schedule {
    leases: Mutex<Leases>,
    changed: Notify,
}

#[derive(Default)]
pub(super) struct Leases {
    due: BTreeMap<DueKey, Arc<LeaseState>>,
    next_number: u64,
    /// When the thread wakes by itself. Leases that are due later need not wake it.
    wake_at: Option<Instant>,
    closed: bool,
}

impl Leases {
    fn insert(&mut self, state: Arc<LeaseState>, from: Instant) -> DueKey {
        let key = (state.next_due(from), self.next_number);
        self.next_number += 1;
        self.due.insert(key, state);
        key
    }

    /// Removes the leases that are due, drops those whose runs are over, and inserts the others again with
    /// their next time unless their runs exceeded `max_run`.
    fn take_due(&mut self, now: Instant) -> Vec<Arc<LeaseState>> {
        let later = self.due.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut self.due, later);
        let open: Vec<_> = due.into_values().filter(|state| state.is_open()).collect();
        for state in open.iter().filter(|state| !state.overran(now)) {
            self.insert(Arc::clone(state), now);
        }
        open
    }
}

impl Schedule {
    pub(super) fn lock(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Inserts a lease, and wakes the thread if it would sleep past it.
    pub(super) fn insert(&self, state: Arc<LeaseState>, from: Instant) -> DueKey {
        let mut leases = self.lock();
        let key = leases.insert(state, from);
        if leases.wake_at.is_none_or(|wake_at| key.0 < wake_at) {
            leases.wake_at = Some(key.0);
            self.changed.notify_one();
        }
        key
    }

    pub(super) fn remove(&self, key: &DueKey) {
        self.lock().due.remove(key);
    }

    pub(super) fn all(&self) -> Vec<Arc<LeaseState>> {
        self.lock().due.values().cloned().collect()
    }

    /// Ends [`due`](Self::due), and so the thread.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Waits until leases are due and returns them. Returns `None` once the schedule is closed.
    pub(super) async fn due(&self) -> Option<Vec<Arc<LeaseState>>> {
        loop {
            let wake_at = {
                let mut leases = self.lock();
                if leases.closed {
                    return None;
                }
                let due = leases.take_due(Instant::now());
                if !due.is_empty() {
                    return Some(due);
                }
                leases.wake_at = leases.due.keys().next().map(|(at, _)| *at);
                leases.wake_at
            };
            match wake_at {
                None => self.changed.notified().await,
                Some(at) => {
                    drop(tokio::time::timeout_at(at.into(), self.changed.notified()).await);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use tracing::Span;

    use super::super::state::LeaseHolder;
    use super::*;
    use crate::model::{Claim, ClaimNonce, Extras, FencingToken, Guarantee, Policy, RecordId};
    use crate::observe::Watch;

    const HOUR: Duration = Duration::from_secs(3600);
    static LONG: Policy = Policy::new(HOUR, Guarantee::AtMostOnce).with_lease(HOUR);
    static OVER: Policy = LONG.with_max_run(Duration::from_nanos(1));

    fn state(policy: &'static Policy) -> Arc<LeaseState> {
        let claim = Claim {
            id: RecordId::from_bytes([1; 32]),
            nonce: ClaimNonce::random(),
            token: FencingToken(1),
            attempt: 1,
        };
        let holder = LeaseHolder {
            claim,
            policy,
            fingerprint: None,
            recoverable: false,
            lost_run: None,
            recheck: HOUR,
            extras: Extras::new(&["pay"], None),
            span: Mutex::new(Span::none()),
            watch: Watch::default(),
        };
        Arc::new(LeaseState::new(holder, Instant::now()))
    }

    #[tokio::test]
    async fn a_lease_that_is_due_earlier_wakes_the_thread() {
        let schedule = Schedule::default();
        schedule.insert(state(&LONG), Instant::now());
        let mut due = Box::pin(schedule.due());
        // The first poll takes the wake-up of the insertion, and the second one sleeps.
        assert!(due.as_mut().now_or_never().is_none());
        assert!(due.as_mut().now_or_never().is_none());
        schedule.insert(state(&OVER), Instant::now());
        assert_eq!(due.now_or_never().unwrap().unwrap().len(), 1);
    }

    /// A lease that was renewed has another place in the schedule than the one that its run removes.
    #[tokio::test]
    async fn a_lease_whose_run_is_over_is_dropped_when_it_is_due() {
        let (schedule, over) = (Schedule::default(), state(&OVER));
        schedule.insert(Arc::clone(&over), Instant::now());
        over.end();
        assert!(schedule.due().now_or_never().is_none());
        assert!(schedule.all().is_empty());
    }
}
