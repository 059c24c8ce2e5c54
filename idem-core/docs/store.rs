use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use idem_core::state_machine::{self, Change, Slot, Timestamp};
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, DeleteExpired, IdempotencyStore,
    RecordId, StoreFuture, Update,
};

/// Keeps the records of one process in a map under one lock.
#[derive(Debug)]
pub struct MapStore {
    started: Instant,
    records: Mutex<Records>,
}

#[derive(Debug, Default)]
struct Records {
    slots: HashMap<RecordId, Slot>,
    last: Timestamp,
}

impl MapStore {
    pub fn new() -> Self {
        Self { started: Instant::now(), records: Mutex::default() }
    }

    /// Applies one transition: reads, decides and writes in one atomic operation.
    fn apply<T>(
        &self,
        id: RecordId,
        transition: impl FnOnce(Option<&Slot>, Timestamp) -> (Change, T),
    ) -> StoreFuture<T> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let now = records.tick(self.started);
        let (change, reply) = transition(records.slots.get(&id), now);
        match change {
            Change::Keep => {}
            Change::Put(slot) => drop(records.slots.insert(id, slot)),
            Change::Remove => drop(records.slots.remove(&id)),
        }
        StoreFuture::ready(Ok(reply))
    }
}

impl Records {
    /// The store's clock. It is strictly increasing, because fencing tokens are derived from it.
    fn tick(&mut self, started: Instant) -> Timestamp {
        let elapsed = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last = Timestamp(elapsed.max(self.last.0 + 1));
        self.last
    }
}

impl IdempotencyStore for MapStore {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.apply(id, |slot, now| state_machine::claim(slot, id, &request, now))
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.apply(claim.id, |slot, now| state_machine::renew(slot, &claim, lease, hold, now))
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.apply(claim.id, |slot, now| state_machine::resume_run(slot, &claim, lease, hold, now))
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.apply(claim.id, |slot, now| {
            state_machine::complete(slot, &claim, completion, retention, now)
        })
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.apply(claim.id, |slot, now| state_machine::release(slot, &claim, now))
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.apply(id, |slot, now| state_machine::abandon(slot, nonce, now))
    }
}

impl DeleteExpired for MapStore {
    fn delete_expired(&self) -> StoreFuture<u64> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let now = records.tick(self.started);
        let before = records.slots.len();
        records.slots.retain(|_, slot| !slot.expired(now));
        StoreFuture::ready(Ok((before - records.slots.len()) as u64))
    }
}
