//! Which claim is due when.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::lease::Held;

/// When a claim is due, and a number that keeps those of one instant apart.
pub(super) type Place = (Instant, u64);

/// The claims in care, by when they are due.
#[derive(Default)]
pub(super) struct Schedule {
    claims: Mutex<Claims>,
    changed: Notify,
}

#[derive(Default)]
pub(super) struct Claims {
    due: BTreeMap<Place, Arc<Held>>,
    next: u64,
    /// When the thread wakes by itself. Later claims need not wake it.
    wake_at: Option<Instant>,
    closed: bool,
}

impl Claims {
    fn insert(&mut self, held: Arc<Held>, from: Instant) -> Place {
        let place = (held.next_due(from), self.next);
        self.next += 1;
        self.due.insert(place, held);
        place
    }
}

impl Schedule {
    pub(super) fn lock(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a claim where the thread will see it in time, and wakes the thread if it would sleep past it.
    pub(super) fn insert(&self, held: Arc<Held>, from: Instant) -> Place {
        let mut claims = self.lock();
        let place = claims.insert(held, from);
        if claims.wake_at.is_none_or(|wake_at| place.0 < wake_at) {
            claims.wake_at = Some(place.0);
            self.changed.notify_one();
        }
        place
    }

    pub(super) fn remove(&self, place: &Place) {
        self.lock().due.remove(place);
    }

    pub(super) fn all(&self) -> Vec<Arc<Held>> {
        self.lock().due.values().cloned().collect()
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Waits for claims that are due, and gives them their next place. Forgets those whose runs are over.
    /// `None` once the schedule is closed.
    pub(super) async fn due(&self) -> Option<Vec<Arc<Held>>> {
        loop {
            let wake_at = {
                let mut claims = self.lock();
                if claims.closed {
                    return None;
                }
                let due = claims.take_due(Instant::now());
                if !due.is_empty() {
                    return Some(due);
                }
                claims.wake_at = claims.due.keys().next().map(|(at, _)| *at);
                claims.wake_at
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

impl Claims {
    fn take_due(&mut self, now: Instant) -> Vec<Arc<Held>> {
        let later = self.due.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut self.due, later);
        let open: Vec<_> = due.into_values().filter(|held| held.is_open()).collect();
        for held in open.iter().filter(|held| !held.overran(now)) {
            self.insert(Arc::clone(held), now);
        }
        open
    }
}
