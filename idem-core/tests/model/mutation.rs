//! Bugs that are injected on purpose. The model must find a violation for each of them.

use idem_core::Guarantee;
use idem_core::state_machine::{Change, Slot};
use idem_core::store::{Claim, ClaimOutcome, FencingToken, State};

use crate::process::{Phase, Step};
use crate::store::{Grant, Message, Op, ProcessId, Reply, nonce, owner_of};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// A completion is accepted from any process.
    AnyProcessCompletes,
    /// An abandon is accepted from any process.
    AnyProcessAbandons,
    /// A new owner gets the fencing token of the old one.
    FencingTokenStays,
    /// The record expires when its lease ends.
    LeaseEndsRetention,
    /// The lease lasts until the record expires.
    LeaseNeverEnds,
    /// A second result replaces the first.
    LastResultWins,
    /// A lapsed record is taken over under at most once.
    TakesOverUnderAtMostOnce,
    /// A run whose completion could not be stored releases the key.
    ReleasesOnStoreError,
    /// The handler starts although the reply to its claim was lost.
    StartsWithoutReply,
}

impl Mutation {
    /// Applies a message to the slot, with the bug.
    pub(crate) fn apply(
        self,
        message: Message,
        slot: Option<&Slot>,
        guarantee: Guarantee,
    ) -> (Change, Reply) {
        match (self, message.op, slot) {
            (Self::AnyProcessCompletes, Op::Complete(Grant { token, .. }), Some(slot)) => {
                let (change, reply) =
                    message.apply(Some(&owned_by(slot, message.process, token)), guarantee);
                (
                    edited(change, |new| *new = owned_by(new, owner_of(slot), slot.record.token)),
                    reply,
                )
            }
            (Self::AnyProcessAbandons, Op::Abandon, Some(slot)) => {
                message.apply(Some(&owned_by(slot, message.process, slot.record.token)), guarantee)
            }
            (Self::FencingTokenStays, Op::Claim, Some(slot)) => {
                let (change, reply) = message.apply(Some(slot), guarantee);
                let token = slot.record.token;
                (edited(change, |new| new.record.token = token), with_token(reply, token))
            }
            (Self::LeaseEndsRetention, ..) => {
                let (change, reply) = message.apply(slot, guarantee);
                (edited(change, |new| new.expires_at = new.lease_until), reply)
            }
            (Self::LeaseNeverEnds, ..) => {
                let (change, reply) = message.apply(slot, guarantee);
                (edited(change, |new| new.lease_until = new.expires_at), reply)
            }
            (Self::LastResultWins, Op::Complete(_), Some(slot)) => {
                let mut running = slot.clone();
                running.record.state = State::Running;
                Self::AnyProcessCompletes.apply(message, Some(&running), guarantee)
            }
            (Self::TakesOverUnderAtMostOnce, Op::Claim, slot) => {
                let mut weaker = slot.cloned();
                weaker.iter_mut().for_each(|slot| slot.record.guarantee = Guarantee::AtLeastOnce);
                message.apply(weaker.as_ref(), Guarantee::AtLeastOnce)
            }
            _ => message.apply(slot, guarantee),
        }
    }

    /// The phase after a step and the operation that is sent, with the bug. `None` if the bug does not
    /// affect the step.
    pub(crate) fn step(self, phase: Phase, step: Step) -> Option<(Phase, Option<Op>)> {
        match (self, phase, step) {
            (Self::ReleasesOnStoreError, Phase::Settling { grant, .. }, Step::SendEnd) => {
                Some((Phase::Ended, Some(Op::Release(grant))))
            }
            (Self::StartsWithoutReply, Phase::ClaimReplyLost { .. }, Step::StopClaiming) => {
                let grant = Grant { token: FencingToken(0), attempt: 1 };
                Some((Phase::Acquired(grant), None))
            }
            _ => None,
        }
    }
}

fn owned_by(slot: &Slot, process: ProcessId, token: FencingToken) -> Slot {
    let mut slot = slot.clone();
    (slot.record.nonce, slot.record.token) = (nonce(process), token);
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

fn with_token(reply: Reply, token: FencingToken) -> Reply {
    match reply {
        Reply::ClaimOutcome(ClaimOutcome::Acquired(claim)) => {
            Reply::ClaimOutcome(ClaimOutcome::Acquired(Claim { token, ..claim }))
        }
        reply => reply,
    }
}
