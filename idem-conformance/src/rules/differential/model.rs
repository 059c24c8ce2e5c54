//! The model: the state machine over a map, with a clock that only the test moves.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use idem_core::state_machine::{self, Change, Slot, Timestamp};
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId,
    StoreFuture, Update,
};

#[derive(Debug, Default)]
pub(super) struct Model(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    slots: HashMap<RecordId, Slot>,
    micros: u64,
}

impl State {
    /// Advances the clock by a microsecond, because fencing tokens grow with the clock.
    fn tick(&mut self) -> Timestamp {
        self.micros += 1;
        Timestamp(self.micros)
    }

    fn apply<T>(
        &mut self,
        id: RecordId,
        transition: impl FnOnce(Option<&Slot>, Timestamp) -> (Change, T),
    ) -> StoreFuture<T> {
        let now = self.tick();
        let (change, reply) = transition(self.slots.get(&id), now);
        match change {
            Change::Keep => {}
            Change::Put(slot) => drop(self.slots.insert(id, slot)),
            Change::Remove => drop(self.slots.remove(&id)),
        }
        StoreFuture::ready(Ok(reply))
    }
}

impl Model {
    pub(super) fn advance(&self, time: Duration) {
        self.state().micros += u64::try_from(time.as_micros()).expect("less than 500,000 years");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("one task uses the model")
    }
}

impl IdempotencyStore for Model {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.state().apply(id, |slot, now| state_machine::claim(slot, id, &request, now))
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.state()
            .apply(claim.id, |slot, now| state_machine::renew(slot, &claim, lease, hold, now))
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.state()
            .apply(claim.id, |slot, now| state_machine::resume_run(slot, &claim, lease, hold, now))
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.state().apply(claim.id, |slot, now| {
            state_machine::complete(slot, &claim, completion, retention, now)
        })
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.state().apply(claim.id, |slot, now| state_machine::release(slot, &claim, now))
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.state().apply(id, |slot, now| state_machine::abandon(slot, nonce, now))
    }
}
