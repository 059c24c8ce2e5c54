//! The renewal of leases, on a separate thread, so that it continues while a handler blocks its own thread
//! ([long handlers](crate::rules::semantics#long-handlers)).
//!
//! A claim costs one insertion into a sorted map and one removal. The thread sleeps until the first renewal
//! is due. Most runs end before that, within a third of their lease.

mod handle;
mod schedule;
mod state;
mod thread;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(super) use handle::Lease;
pub(super) use state::{LeaseHolder, LeaseLoss, LeaseState};

use crate::model::UnknownReason;
use crate::store::IdempotencyStore;
use schedule::Schedule;

/// Renews the leases of all runs of one [`Idempotency`](super::Idempotency), and gives up runs that exceed
/// their `max_run`.
pub(super) struct LeaseManager {
    store: Arc<dyn IdempotencyStore>,
    schedule: Arc<Schedule>,
    started: AtomicBool,
}

impl LeaseManager {
    pub(super) fn new(store: Arc<dyn IdempotencyStore>) -> Self {
        Self { store, schedule: Arc::default(), started: AtomicBool::new(false) }
    }

    /// Starts the thread on the first call. It must have started before anything is claimed.
    pub(super) fn start(&self) -> std::io::Result<()> {
        if self.started.load(Ordering::Acquire) {
            return Ok(());
        }
        let starting = self.schedule.lock();
        if !self.started.load(Ordering::Acquire) {
            thread::spawn(Arc::clone(&self.store), Arc::clone(&self.schedule))?;
            self.started.store(true, Ordering::Release);
        }
        drop(starting);
        Ok(())
    }

    /// Returns the lease of `holder`, which is renewed until it is dropped. `claimed_at` is the time before
    /// the claim was sent.
    pub(super) fn hold(&self, holder: LeaseHolder, claimed_at: Instant) -> Lease {
        let state = Arc::new(LeaseState::new(holder, claimed_at));
        let first_due = self.schedule.insert(Arc::clone(&state), claimed_at);
        Lease::new(state, Arc::clone(&self.schedule), first_due)
    }

    /// The number of runs whose handler or hook is active, and of those whose end is not accepted by the store.
    pub(super) fn count(&self) -> (usize, usize) {
        let leases = self.schedule.all();
        let running = leases.iter().filter(|state| state.is_running()).count();
        (running, leases.iter().filter(|state| state.is_settling()).count())
    }

    /// Gives up every run whose handler is still active, and returns the number of claims that are not
    /// settled: these, and those whose end the store has not accepted. Writes to the store for at most
    /// `max_duration`.
    pub(super) async fn give_up_all(&self, max_duration: Duration) -> usize {
        let (settling, running): (Vec<_>, Vec<_>) = self
            .schedule
            .all()
            .into_iter()
            .filter(|state| state.is_open())
            .partition(|state| state.is_settling());
        let given_up: Vec<_> =
            running.into_iter().filter(|state| state.lose(LeaseLoss::GivenUp)).collect();
        let reason = UnknownReason::Drained;
        let writes = given_up
            .iter()
            .map(|state| thread::write_unknown(&*self.store, state, reason, max_duration));
        futures_util::future::join_all(writes).await;
        settling.len() + given_up.len()
    }
}

impl Drop for LeaseManager {
    fn drop(&mut self) {
        self.schedule.close();
    }
}
