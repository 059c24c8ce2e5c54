//! The store: one slot per key, changed by messages that arrive in any order.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use idem_core::state_machine::{self, Change, Slot, Timestamp};
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, FencingToken,
    Headers, RecordId, State, StoredResponse, Update,
};
use idem_core::{Guarantee, Policy};

/// What the store's clock says in every state, in ticks, so that states are equal that differ only in
/// when. A lease is two ticks.
pub(crate) const NOW: u64 = 100;
pub(crate) const LEASE: u64 = 2;
pub(crate) const TTL: u64 = 3;

/// The index of an actor, and the name of the result of its run.
pub(crate) type Actor = u8;

/// What stands under a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored(pub(crate) Option<Slot>);

impl Hash for Stored {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Some(slot) = &self.0 else { return 0_u8.hash(hasher) };
        let record = &slot.record;
        (record.nonce, record.token, record.attempt, result(&record.state)).hash(hasher);
        std::mem::discriminant(&record.state).hash(hasher);
        (slot.lease_until, slot.expires_at).hash(hasher);
    }
}

impl Stored {
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

    /// Removes what expired for good.
    pub(crate) fn purge(&mut self, past: u64) {
        self.0.take_if(|slot| slot.expired(Timestamp(past)));
    }

    /// What a duplicate that comes at `now` is told; `None` if it would run.
    pub(crate) fn told(&self, guarantee: Guarantee, now: u64) -> Option<State> {
        match claim(self.0.as_ref(), Actor::MAX, guarantee, now).1 {
            ClaimOutcome::Exists(ExistingRecord { state, .. }) => Some(state),
            ClaimOutcome::Acquired(_) | ClaimOutcome::AtCapacity(_) => None,
        }
    }
}

/// Whose result a state holds.
pub(crate) fn result(state: &State) -> Option<Actor> {
    match state {
        State::Completed(answer) => answer.body.first().copied(),
        _ => None,
    }
}

/// A request on its way to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Message {
    pub(crate) actor: Actor,
    pub(crate) op: Op,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Op {
    Claim,
    Abandon,
    Renew(Won),
    StoredResponse(Won),
    Unknown(Won),
    Release(Won),
}

/// What the store told the owner of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Won {
    pub(crate) token: FencingToken,
    pub(crate) attempt: u32,
}

/// What the store says.
#[derive(Debug)]
pub(crate) enum Reply {
    ClaimOutcome(ClaimOutcome),
    Update(Update),
}

impl Message {
    pub(crate) fn shifted(self, shift: impl Fn(u64) -> u64) -> Self {
        Self { op: self.op.shifted(shift), ..self }
    }

    /// The transition that this message asks for.
    pub(crate) fn apply(self, slot: Option<&Slot>, guarantee: Guarantee) -> (Change, Reply) {
        let Self { actor, op } = self;
        let at = Timestamp(NOW);
        let fenced = match op {
            Op::Claim => {
                let (change, claimed) = claim(slot, actor, guarantee, NOW);
                return (change, Reply::ClaimOutcome(claimed));
            }
            Op::Abandon => state_machine::abandon(slot, nonce(actor), at),
            Op::Renew(won) => {
                state_machine::renew(slot, &won.by(actor), micros(LEASE), micros(TTL), at)
            }
            Op::StoredResponse(won) => {
                state_machine::complete(slot, &won.by(actor), answer(actor), micros(TTL), at)
            }
            Op::Unknown(won) => {
                state_machine::complete(slot, &won.by(actor), Completion::Unknown, micros(TTL), at)
            }
            Op::Release(won) => state_machine::release(slot, &won.by(actor), at),
        };
        (fenced.0, Reply::Update(fenced.1))
    }
}

impl Op {
    fn shifted(self, shift: impl Fn(u64) -> u64) -> Self {
        match self {
            Self::Claim | Self::Abandon => self,
            Self::Renew(won) => Self::Renew(won.shifted(shift)),
            Self::StoredResponse(won) => Self::StoredResponse(won.shifted(shift)),
            Self::Unknown(won) => Self::Unknown(won.shifted(shift)),
            Self::Release(won) => Self::Release(won.shifted(shift)),
        }
    }
}

impl Won {
    /// A fencing token is a time.
    pub(crate) fn shifted(self, shift: impl Fn(u64) -> u64) -> Self {
        Self { token: FencingToken(shift(self.token.0)), ..self }
    }

    fn by(self, actor: Actor) -> Claim {
        Claim { id: ID, nonce: nonce(actor), token: self.token, attempt: self.attempt }
    }
}

/// The transitions never look at it.
const ID: RecordId = RecordId::from_bytes([0; 32]);

pub(crate) const MAX_ATTEMPTS: u32 = 2;

fn claim(
    slot: Option<&Slot>,
    actor: Actor,
    guarantee: Guarantee,
    now: u64,
) -> (Change, ClaimOutcome) {
    let policy = Policy::new(micros(TTL), guarantee)
        .with_lease(micros(LEASE))
        .with_max_attempts(MAX_ATTEMPTS);
    let mut request = ClaimRequest::new(&policy);
    request.nonce = nonce(actor);
    state_machine::claim(slot, ID, &request, Timestamp(now))
}

pub(crate) const fn nonce(actor: Actor) -> ClaimNonce {
    ClaimNonce::from_bytes([actor; 16])
}

/// Who holds a slot, or held it last.
pub(crate) const fn actor_of(slot: &Slot) -> Actor {
    slot.record.nonce.as_bytes()[0]
}

fn answer(actor: Actor) -> Completion {
    Completion::Response(StoredResponse {
        status: 200,
        headers: Headers::default(),
        body: Bytes::copy_from_slice(&[actor]),
    })
}

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}
