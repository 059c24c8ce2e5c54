//! Keeps leases alive, from a thread of its own, so that it goes on while a handler blocks its thread
//! (RELIABILITY M15).
//!
//! A claim costs one insert into a sorted map and one removal. The thread sleeps until the first claim is
//! due, which most never are: they are done before a third of their lease is over.

mod lease;
mod schedule;
mod thread;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(super) use lease::{Fate, Lease};

use super::Call;
use crate::model::Claim;
use crate::store::IdempotencyStore;
use lease::Held;
use schedule::Schedule;

/// Keeps the leases of all runs of one [`Idempotency`](super::Idempotency).
pub(super) struct Keeper {
    store: Arc<dyn IdempotencyStore>,
    schedule: Arc<Schedule>,
    started: AtomicBool,
}

impl Keeper {
    pub(super) fn new(store: Arc<dyn IdempotencyStore>) -> Self {
        Self { store, schedule: Arc::default(), started: AtomicBool::new(false) }
    }

    /// Starts the thread, once. Must have succeeded before anything is claimed.
    pub(super) fn start(&self) -> std::io::Result<()> {
        if self.started.load(Ordering::Acquire) {
            return Ok(());
        }
        let others_wait = self.schedule.lock();
        if !self.started.load(Ordering::Acquire) {
            thread::spawn(Arc::clone(&self.store), Arc::clone(&self.schedule))?;
            self.started.store(true, Ordering::Release);
        }
        drop(others_wait);
        Ok(())
    }

    /// Takes the claim of a call into care. `claimed_at` is from before the claim was sent.
    pub(super) fn hold(&self, claim: Claim, call: &Call, claimed_at: Instant) -> Lease {
        let held = Arc::new(Held::new(claim, call.policy, call.fingerprint, claimed_at));
        let place = self.schedule.insert(Arc::clone(&held), claimed_at);
        Lease::new(held, Arc::clone(&self.schedule), place)
    }

    /// Gives up every run whose handler goes on (T9), and returns how many claims were not settled: these,
    /// and those whose end the store has not taken. Waits for the store no longer than `patience`.
    pub(super) async fn give_up_all(&self, patience: Duration) -> usize {
        let (settling, running): (Vec<_>, Vec<_>) = self
            .schedule
            .all()
            .into_iter()
            .filter(|held| held.is_open())
            .partition(|held| held.is_settling());
        let given_up: Vec<_> =
            running.into_iter().filter(|held| held.decide(Fate::GivenUp)).collect();
        let writes =
            given_up.iter().map(|held| thread::write_unknown(&*self.store, held, patience));
        futures_util::future::join_all(writes).await;
        settling.len() + given_up.len()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.schedule.close();
    }
}
