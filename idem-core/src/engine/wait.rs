//! Duplicates that wait for the first to finish (R17).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::after;
use crate::model::RecordId;
use crate::store::{Changed, IdempotencyStore};

/// The seats for waiting duplicates: capped, because waiting ties up connections and helps a flood.
pub(super) struct WaitingRoom {
    seats: Arc<Mutex<Seats>>,
    max_total: usize,
    max_per_key: usize,
}

#[derive(Default)]
struct Seats {
    per_key: HashMap<RecordId, usize>,
    total: usize,
}

impl WaitingRoom {
    pub(super) fn new(max_total: usize, max_per_key: usize) -> Self {
        Self { seats: Arc::default(), max_total, max_per_key }
    }

    /// A seat, if there is one. Given back when dropped.
    pub(super) fn enter(&self, id: RecordId, wait: Duration) -> Option<Waiter> {
        let mut seats = lock(&self.seats);
        let taken = seats.per_key.get(&id).copied().unwrap_or(0);
        if seats.total >= self.max_total || taken >= self.max_per_key {
            return None;
        }
        seats.total += 1;
        seats.per_key.insert(id, taken + 1);
        drop(seats);
        Some(Waiter {
            id,
            seats: Arc::clone(&self.seats),
            until: after(Instant::now(), wait),
            pause: FIRST_PAUSE,
            listening: None,
        })
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// One waiting duplicate. It holds no store connection while it waits; dropping it is all there is to
/// cancel.
pub(super) struct Waiter {
    id: RecordId,
    seats: Arc<Mutex<Seats>>,
    until: Instant,
    pause: Duration,
    listening: Option<Changed>,
}

impl Waiter {
    /// Waits for a reason to claim again; `false` once the time is up. A wake-up is only a hint and may
    /// be lost, so a jittered poll runs underneath.
    pub(super) async fn next(&mut self, store: &dyn IdempotencyStore) -> bool {
        let now = Instant::now();
        if now >= self.until {
            return false;
        }
        // Listens before the next claim, so that no change falls between the two.
        let listening = self.listening.replace(store.changed(self.id));
        match listening {
            None => {}
            Some(changed) => {
                let poll_at = now + self.pause.mul_f64(rand::random_range(0.5..1.0));
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                drop(timeout_at(poll_at.min(self.until).into(), changed).await);
            }
        }
        true
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut seats = lock(&self.seats);
        seats.total -= 1;
        if let Some(taken) = seats.per_key.get_mut(&self.id) {
            *taken -= 1;
            if *taken == 0 {
                seats.per_key.remove(&self.id);
            }
        }
    }
}

fn lock(seats: &Mutex<Seats>) -> MutexGuard<'_, Seats> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
}
