//! Bugs planted on purpose: each must break a property, or the model proves nothing.

use idem_core::Guarantee;
use idem_core::state_machine::{Change, Slot};
use idem_core::store::{Claim, ClaimOutcome, FencingToken, State};

use crate::actor::{Phase, Step};
use crate::store::{Actor, Message, Op, Reply, Won, actor_of, nonce};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// Whoever completes is taken for the owner.
    AnyoneCompletes,
    /// Whoever abandons is taken for the owner.
    AnyoneAbandons,
    /// A new owner gets the fencing token of the old one.
    FenceStandsStill,
    /// The record is forgotten when its lease ends.
    LeaseIsTtl,
    /// The lease of a crashed owner goes on.
    LeaseNeverEnds,
    /// A second result replaces the first.
    LastResultWins,
    /// A lapsed record is taken over under at most once.
    TakesOverAlways,
    /// A run whose completion failed frees the key.
    ReleasesOnError,
    /// A handler starts although the answer to its claim was lost.
    StartsInDoubt,
}

impl Mutation {
    /// The transition, with a bug.
    pub(crate) fn apply(
        self,
        message: Message,
        slot: Option<&Slot>,
        guarantee: Guarantee,
    ) -> (Change, Reply) {
        match (self, message.op, slot) {
            (Self::AnyoneCompletes, Op::StoredResponse(Won { token, .. }), Some(slot)) => {
                let (change, reply) =
                    message.apply(Some(&owned(slot, message.actor, token)), guarantee);
                (edited(change, |new| *new = owned(new, actor_of(slot), slot.record.token)), reply)
            }
            (Self::AnyoneAbandons, Op::Abandon, Some(slot)) => {
                message.apply(Some(&owned(slot, message.actor, slot.record.token)), guarantee)
            }
            (Self::FenceStandsStill, Op::Claim, Some(slot)) => {
                let (change, reply) = message.apply(Some(slot), guarantee);
                let token = slot.record.token;
                (edited(change, |new| new.record.token = token), refenced(reply, token))
            }
            (Self::LeaseIsTtl, ..) => {
                let (change, reply) = message.apply(slot, guarantee);
                (edited(change, |new| new.expires_at = new.lease_until), reply)
            }
            (Self::LeaseNeverEnds, ..) => {
                let (change, reply) = message.apply(slot, guarantee);
                (edited(change, |new| new.lease_until = new.expires_at), reply)
            }
            (Self::LastResultWins, Op::StoredResponse(_), Some(slot)) => {
                let mut open = slot.clone();
                open.record.state = State::Running;
                Self::AnyoneCompletes.apply(message, Some(&open), guarantee)
            }
            (Self::TakesOverAlways, Op::Claim, slot) => {
                let mut lax = slot.cloned();
                lax.iter_mut().for_each(|slot| slot.record.guarantee = Guarantee::AtLeastOnce);
                message.apply(lax.as_ref(), Guarantee::AtLeastOnce)
            }
            _ => message.apply(slot, guarantee),
        }
    }

    /// What an engine with a bug does next, in place of what it should.
    pub(crate) fn step(self, phase: Phase, step: Step) -> Option<(Phase, Option<Op>)> {
        match (self, phase, step) {
            (Self::ReleasesOnError, Phase::Ending { won, .. }, Step::SendEnd) => {
                Some((Phase::Over, Some(Op::Release(won))))
            }
            (Self::StartsInDoubt, Phase::Doubting { .. }, Step::StopClaiming) => {
                let won = Won { token: FencingToken(0), attempt: 1 };
                Some((Phase::Acquired(won), None))
            }
            _ => None,
        }
    }
}

fn owned(slot: &Slot, actor: Actor, token: FencingToken) -> Slot {
    let mut slot = slot.clone();
    (slot.record.nonce, slot.record.token) = (nonce(actor), token);
    slot
}

fn edited(change: Change, edit: impl FnOnce(&mut Slot)) -> Change {
    match change {
        Change::Put(mut slot) => {
            edit(&mut slot);
            Change::Put(slot)
        }
        change => change,
    }
}

fn refenced(reply: Reply, token: FencingToken) -> Reply {
    match reply {
        Reply::ClaimOutcome(ClaimOutcome::Acquired(claim)) => {
            Reply::ClaimOutcome(ClaimOutcome::Acquired(Claim { token, ..claim }))
        }
        reply => reply,
    }
}
