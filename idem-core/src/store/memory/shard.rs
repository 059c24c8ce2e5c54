//! One part of the map, under its own lock.
//!
//! A shard also holds the wake-ups of its records.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::Usage;
use super::amortized_sweep::AmortizedSweep;
use crate::model::{RecordId, State};
use crate::state_machine::{Change, Slot, Timestamp};

#[derive(Default)]
pub(super) struct Shard {
    /// Boxed, so that the map stays small and moves little data when it grows.
    slots: HashMap<RecordId, Box<Slot>, ahash::RandomState>,
    listeners: HashMap<RecordId, Weak<Notify>, ahash::RandomState>,
    last_tick: u64,
    /// No record of this shard expires before this time.
    first_expiry: Timestamp,
    sweep: AmortizedSweep,
    prune: AmortizedSweep,
}

impl Shard {
    /// Returns a strictly increasing time, so that fencing tokens increase too.
    pub(super) fn tick(&mut self, now: Timestamp) -> Timestamp {
        self.last_tick = now.0.max(self.last_tick + 1);
        Timestamp(self.last_tick)
    }

    pub(super) fn slot(&self, id: &RecordId) -> Option<&Slot> {
        self.slots.get(id).map(Box::as_ref)
    }

    pub(super) fn live(&self, id: &RecordId, now: Timestamp) -> Option<&Slot> {
        self.slot(id).filter(|slot| !slot.expired(now))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&RecordId, &Slot)> {
        self.slots.iter().map(|(id, slot)| (id, &**slot))
    }

    pub(super) fn apply(&mut self, id: RecordId, change: Change, usage: &Usage) {
        match change {
            Change::Keep => {}
            Change::Put(slot) => self.put(id, slot, usage),
            Change::Remove => self.remove(&id, usage),
        }
    }

    fn put(&mut self, id: RecordId, slot: Slot, usage: &Usage) {
        self.first_expiry = self.first_expiry.min(slot.expires_at);
        match self.slots.entry(id) {
            Entry::Vacant(place) => {
                place.insert(Box::new(slot));
                usage.records.fetch_add(1, Ordering::Relaxed);
            }
            Entry::Occupied(mut place) => {
                usage.bytes.fetch_add(response_bytes(&slot), Ordering::Relaxed);
                usage.bytes.fetch_sub(response_bytes(place.get()), Ordering::Relaxed);
                **place.get_mut() = slot;
                self.wake(&id);
            }
        }
    }

    fn remove(&mut self, id: &RecordId, usage: &Usage) {
        if let Some(slot) = self.slots.remove(id) {
            usage.records.fetch_sub(1, Ordering::Relaxed);
            usage.bytes.fetch_sub(response_bytes(&slot), Ordering::Relaxed);
            self.wake(id);
        }
    }

    /// Removes expired records and returns their number. Waiting duplicates are not woken, because no duplicate waits for
    /// an expired record.
    pub(super) fn sweep(&mut self, now: Timestamp, usage: &Usage) -> u64 {
        if now < self.first_expiry {
            return 0;
        }
        let before = self.slots.len();
        let mut bytes = 0;
        self.first_expiry = Timestamp(u64::MAX);
        self.slots.retain(|_, slot| {
            let keep = !slot.expired(now);
            if keep {
                self.first_expiry = self.first_expiry.min(slot.expires_at);
            } else {
                bytes += response_bytes(slot);
            }
            keep
        });
        let swept = before - self.slots.len();
        usage.records.fetch_sub(swept, Ordering::Relaxed);
        usage.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.sweep.done(self.slots.len());
        swept as u64
    }

    pub(super) fn sweep_if_due(&mut self, now: Timestamp, usage: &Usage) {
        if self.sweep.is_due(self.slots.len()) {
            self.sweep(now, usage);
        }
    }

    /// Starts to listen for changes of a record. The caller holds the shard's lock, so no change is missed between the
    /// insertion of the entry and the start of listening.
    pub(super) fn listen(&mut self, id: RecordId) -> OwnedNotified {
        self.prune_if_due();
        if let Some(change) = self.listeners.get(&id).and_then(Weak::upgrade) {
            return change.notified_owned();
        }
        let change = Arc::new(Notify::new());
        self.listeners.insert(id, Arc::downgrade(&change));
        change.notified_owned()
    }

    /// Removes the entries that have no listener left.
    fn prune_if_due(&mut self) {
        if self.prune.is_due(self.listeners.len()) {
            self.listeners.retain(|_, listener| listener.strong_count() > 0);
            self.prune.done(self.listeners.len());
        }
    }

    fn wake(&mut self, id: &RecordId) {
        if self.listeners.is_empty() {
            return;
        }
        if let Some(change) = self.listeners.remove(id).and_then(|listener| listener.upgrade()) {
            change.notify_waiters();
        }
    }
}

/// The size of the stored response, in bytes.
fn response_bytes(slot: &Slot) -> usize {
    match &slot.record.state {
        State::Completed(response) => response.body.len() + response.headers.as_bytes().len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_listeners_are_removed() {
        let mut shard = Shard::default();
        let staying: Vec<_> =
            (0..100_u8).map(|n| shard.listen(RecordId::from_bytes([n; 32]))).collect();
        for _ in 0..10_000 {
            drop(shard.listen(RecordId::from_bytes(rand::random())));
            assert!(shard.listeners.len() <= 2 * staying.len());
        }
    }
}
