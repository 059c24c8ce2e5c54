//! The store: one slot per key, changed by messages.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use idem_core::state_machine::{self, Change, Slot, Timestamp};
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, FencingToken,
    Headers, RecordId, State, StoredResponse, UnknownReason, Update,
};
use idem_core::{Guarantee, Policy};

/// The reading of the store's clock in every state, in ticks. Times move relative to it, so that states
/// are equal if they differ only in the time.
pub(crate) const NOW: u64 = 100;
pub(crate) const LEASE: u64 = 2;
pub(crate) const TTL: u64 = 3;

/// The index of an process. It also identifies the result of its run.
pub(crate) type ProcessId = u8;

/// The slot of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredSlot(pub(crate) Option<Slot>);

impl Hash for StoredSlot {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Some(slot) = &self.0 else { return 0_u8.hash(hasher) };
        let record = &slot.record;
        (record.nonce, record.token, record.attempt, completed_by(&record.state)).hash(hasher);
        std::mem::discriminant(&record.state).hash(hasher);
        (slot.lease_until, slot.expires_at).hash(hasher);
    }
}

impl StoredSlot {
    pub(crate) fn put(&mut self, change: Change) {
        match change {
            Change::Keep => {}
            Change::Put(slot) => self.0 = Some(slot),
            Change::Remove => self.0 = None,
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.0.as_ref().is_some_and(|slot| !slot.expired(Timestamp(NOW)))
    }

    pub(crate) fn shift_times(&mut self, shift: impl Fn(u64) -> u64) {
        if let Some(slot) = &mut self.0 {
            let record = &mut slot.record;
            for time in [&mut record.token.0, &mut slot.lease_until.0, &mut slot.expires_at.0] {
                *time = shift(*time);
            }
        }
    }

    /// Removes a record that expired at `past` or before.
    pub(crate) fn purge(&mut self, past: u64) {
        self.0.take_if(|slot| slot.expired(Timestamp(past)));
    }

    /// The state that a duplicate reads at `now`. `None` if the duplicate would run.
    pub(crate) fn state_for_duplicate(&self, guarantee: Guarantee, now: u64) -> Option<State> {
        match claim(self.0.as_ref(), ProcessId::MAX, guarantee, now).1 {
            ClaimOutcome::Exists(ExistingRecord { state, .. }) => Some(state),
            ClaimOutcome::Acquired(_)
            | ClaimOutcome::Recovering(..)
            | ClaimOutcome::AtCapacity(_) => None,
        }
    }
}

/// The process whose result is stored.
pub(crate) fn completed_by(state: &State) -> Option<ProcessId> {
    match state {
        State::Completed(response) => response.body.first().copied(),
        _ => None,
    }
}

/// A message to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Message {
    pub(crate) process: ProcessId,
    pub(crate) op: Op,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Op {
    Claim,
    Abandon,
    Renew(Grant),
    Complete(Grant),
    GiveUp(Grant),
    Release(Grant),
}

/// The values that the store returned with a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Grant {
    pub(crate) token: FencingToken,
    pub(crate) attempt: u32,
}

/// The reply of the store.
#[derive(Debug)]
pub(crate) enum Reply {
    ClaimOutcome(ClaimOutcome),
    Update(Update),
}

impl Message {
    pub(crate) fn shifted(self, shift: impl Fn(u64) -> u64) -> Self {
        Self { op: self.op.shifted(shift), ..self }
    }

    /// Applies this message to the slot.
    pub(crate) fn apply(self, slot: Option<&Slot>, guarantee: Guarantee) -> (Change, Reply) {
        let Self { process, op } = self;
        let at = Timestamp(NOW);
        let (change, update) = match op {
            Op::Claim => {
                let (change, outcome) = claim(slot, process, guarantee, NOW);
                return (change, Reply::ClaimOutcome(outcome));
            }
            Op::Abandon => state_machine::abandon(slot, nonce(process), at),
            Op::Renew(grant) => {
                state_machine::renew(slot, &grant.claim_of(process), micros(LEASE), micros(TTL), at)
            }
            Op::Complete(grant) => state_machine::complete(
                slot,
                &grant.claim_of(process),
                response(process),
                micros(TTL),
                at,
            ),
            Op::GiveUp(grant) => state_machine::complete(
                slot,
                &grant.claim_of(process),
                Completion::unknown(UnknownReason::TimedOut),
                micros(TTL),
                at,
            ),
            Op::Release(grant) => state_machine::release(slot, &grant.claim_of(process), at),
        };
        (change, Reply::Update(update))
    }
}

impl Op {
    fn shifted(self, shift: impl Fn(u64) -> u64) -> Self {
        match self {
            Self::Claim | Self::Abandon => self,
            Self::Renew(grant) => Self::Renew(grant.shifted(shift)),
            Self::Complete(grant) => Self::Complete(grant.shifted(shift)),
            Self::GiveUp(grant) => Self::GiveUp(grant.shifted(shift)),
            Self::Release(grant) => Self::Release(grant.shifted(shift)),
        }
    }
}

impl Grant {
    /// Moves the fencing token, because it is a time.
    pub(crate) fn shifted(self, shift: impl Fn(u64) -> u64) -> Self {
        Self { token: FencingToken(shift(self.token.0)), ..self }
    }

    fn claim_of(self, process: ProcessId) -> Claim {
        Claim { id: ID, nonce: nonce(process), token: self.token, attempt: self.attempt }
    }
}

/// The state machine does not use the record id.
const ID: RecordId = RecordId::from_bytes([0; 32]);

pub(crate) const MAX_ATTEMPTS: u32 = 2;

fn claim(
    slot: Option<&Slot>,
    process: ProcessId,
    guarantee: Guarantee,
    now: u64,
) -> (Change, ClaimOutcome) {
    let policy = Policy::new(micros(TTL), guarantee)
        .with_hold(micros(TTL))
        .with_lease(micros(LEASE))
        .with_max_attempts(MAX_ATTEMPTS);
    let mut request = ClaimRequest::new(&policy);
    request.nonce = nonce(process);
    state_machine::claim(slot, ID, &request, Timestamp(now))
}

pub(crate) const fn nonce(process: ProcessId) -> ClaimNonce {
    ClaimNonce::from_bytes([process; 16])
}

/// The current or last owner of a slot.
pub(crate) const fn owner_of(slot: &Slot) -> ProcessId {
    slot.record.nonce.as_bytes()[0]
}

fn response(process: ProcessId) -> Completion {
    Completion::Response(StoredResponse {
        status: 200,
        headers: Headers::default(),
        body: Bytes::copy_from_slice(&[process]),
    })
}

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}
