//! Bugs that are injected on purpose. The model must find a violation for each of them.

use idem_core::Guarantee;
use idem_core::state_machine::{Change, Slot, Timestamp};
use idem_core::store::{Claim, ClaimOutcome, FencingToken, State};

use crate::handlers::Handlers;
use crate::process::{Phase, Step};
use crate::store::{
    Decision, Ending, Grant, Message, NOW, Op, ProcessId, Reply, TTL, micros, nonce, owner_of,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// A completion is accepted from any process.
    AnyProcessCompletes,
    /// An abandon is accepted from any process.
    AnyProcessAbandons,
    /// A new owner gets the fencing token of the old one, after a takeover or a recovery.
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
    /// A resolution is accepted with any fencing token.
    ResolvesAnyToken,
    /// A resolution keeps the fencing token.
    ResolutionKeepsToken,
    /// A resolution is accepted while a run is live.
    ResolvesLiveRun,
    /// An unknown record is kept for `ttl` instead of `hold`.
    TtlForHold,
    /// A second recovery counts the silence from the end of the first.
    SilenceForgotten,
    /// The claim of a recovery that is sent again is answered as the claim of a first run.
    ResentRecoveryIsFirstRun,
    /// A recovery is resumed again after its run has been completed.
    ResumesAfterCompletion,
    /// A record that was claimed without `recover` is recovered.
    RecoversWithoutRecover,
    /// The handler starts when the hook reports that nothing happened, before the store has replied.
    StartsBeforeResumed,
    /// With `recover`, a client gets a response that is not stored yet.
    RespondsBeforeStored,
}

impl Mutation {
    /// Applies a message to the slot, with the bug.
    pub(crate) fn apply(
        self,
        message: Message,
        slot: Option<&Slot>,
        handlers: Handlers,
    ) -> (Change, Reply) {
        match (self, message.op, slot) {
            (Self::AnyProcessCompletes, Op::Complete(Grant { token, .. }, _), Some(slot)) => {
                let (change, reply) =
                    message.apply(Some(&owned_by(slot, message.process, token)), handlers);
                (
                    edited(change, |new| *new = owned_by(new, owner_of(slot), slot.record.token)),
                    reply,
                )
            }
            (Self::AnyProcessAbandons, Op::Abandon, Some(slot)) => {
                message.apply(Some(&owned_by(slot, message.process, slot.record.token)), handlers)
            }
            (Self::FencingTokenStays, Op::Claim, Some(slot)) => {
                let (change, reply) = message.apply(Some(slot), handlers);
                let token = slot.record.token;
                (edited(change, |new| new.record.token = token), with_token(reply, token))
            }
            (Self::LeaseEndsRetention, ..) => {
                let (change, reply) = message.apply(slot, handlers);
                (edited(change, |new| new.expires_at = new.lease_until), reply)
            }
            (Self::LeaseNeverEnds, ..) => {
                let (change, reply) = message.apply(slot, handlers);
                (edited(change, |new| new.lease_until = new.expires_at), reply)
            }
            (Self::LastResultWins, Op::Complete(_, Ending::Result(_)), Some(slot)) => {
                let mut running = slot.clone();
                running.record.state = State::Running;
                Self::AnyProcessCompletes.apply(message, Some(&running), handlers)
            }
            (Self::TakesOverUnderAtMostOnce, Op::Claim, slot) => {
                let mut weaker = slot.cloned();
                weaker.iter_mut().for_each(|slot| slot.record.guarantee = Guarantee::AtLeastOnce);
                let guarantee = Guarantee::AtLeastOnce;
                message.apply(weaker.as_ref(), Handlers { guarantee, ..handlers })
            }
            (Self::ResolvesAnyToken, Op::Resolve(_, decision), Some(slot)) => {
                let op = Op::Resolve(slot.record.token, decision);
                Message { op, ..message }.apply(Some(slot), handlers)
            }
            (Self::ResolutionKeepsToken, Op::Resolve(..), Some(slot)) => {
                let (change, reply) = message.apply(Some(slot), handlers);
                (edited(change, |new| new.record.token = slot.record.token), reply)
            }
            (Self::ResolvesLiveRun, Op::Resolve(..), Some(slot)) => {
                let lapsed = Slot { lease_until: Timestamp(NOW), ..slot.clone() };
                message.apply(Some(&lapsed), handlers)
            }
            (Self::TtlForHold, Op::Complete(..) | Op::Resolve(_, Decision::Hold), _) => {
                let (change, reply) = message.apply(slot, handlers);
                (edited(change, |new| new.expires_at = new.lease_until.after(micros(TTL))), reply)
            }
            (Self::SilenceForgotten, Op::Claim, Some(slot)) if slot.lapsed(Timestamp(NOW)) => {
                let mut forgotten = slot.clone();
                forgotten.record.extras = slot.record.extras.with_silence(None);
                message.apply(Some(&forgotten), handlers)
            }
            (Self::ResentRecoveryIsFirstRun, Op::Claim, _) => match message.apply(slot, handlers) {
                (Change::Keep, Reply::ClaimOutcome(ClaimOutcome::Recovering(claim, _))) => {
                    (Change::Keep, Reply::ClaimOutcome(ClaimOutcome::Acquired(claim)))
                }
                applied => applied,
            },
            (Self::ResumesAfterCompletion, Op::ResumeRun(_), Some(slot)) => {
                let mut running = slot.clone();
                running.record.state = State::Running;
                message.apply(Some(&running), handlers)
            }
            (Self::RecoversWithoutRecover, Op::Claim, Some(slot)) => {
                let mut recoverable = slot.clone();
                recoverable.record.recoverable = true;
                message.apply(Some(&recoverable), handlers)
            }
            _ => message.apply(slot, handlers),
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
            (Self::StartsBeforeResumed, Phase::Recovering { grant, .. }, Step::SendResume) => {
                Some((Phase::Acquired(grant), Some(Op::ResumeRun(grant))))
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
        Reply::ClaimOutcome(ClaimOutcome::Recovering(claim, lost)) => {
            Reply::ClaimOutcome(ClaimOutcome::Recovering(Claim { token, ..claim }, lost))
        }
        reply => reply,
    }
}
