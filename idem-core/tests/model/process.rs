//! The steps of a process that sends one request. They follow the engine.

use idem_core::store::{ClaimOutcome, ExistingRecord, State, Update};

use crate::store::{Grant, Op, ProcessId, Reply, completed_by};

/// The number of times that a claim is sent at most.
const MAX_SENDS: u8 = 2;

/// The progress of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    #[default]
    Idle,
    /// A claim was sent, and its reply is awaited.
    Claiming { sends: u8 },
    /// The reply to the claim was lost.
    ClaimReplyLost { sends: u8 },
    /// The request is refused. A claim that the store may have granted is abandoned.
    Abandoning,
    /// The claim was granted. The handler was not polled yet.
    Acquired(Grant),
    /// The handler runs. A run that was given up can still end by itself.
    Running { grant: Grant, given_up: bool },
    /// The handler ended, and its result is sent to the store.
    Settling { grant: Grant, end: End, awaits_reply: bool },
    /// The client got a response, or the process crashed.
    Ended,
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// With a response to store.
    Complete,
    /// With an outcome that frees the key: not executed, or ambiguous under at least once.
    Release,
}

impl End {
    pub(crate) const fn op(self, grant: Grant) -> Op {
        match self {
            Self::Complete => Op::Complete(grant),
            Self::Release => Op::Release(grant),
        }
    }
}

/// A step that a process takes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    SendClaim,
    StopClaiming,
    SendAbandon,
    StopAbandoning,
    Start,
    Renew,
    GiveUp,
    /// The handler is cancelled, because the run was given up or lost its lease.
    Cancel,
    End(End),
    SendEnd,
}

impl Phase {
    /// The steps that are possible now. `may_lose_lease` is whether another process can take over.
    pub(crate) fn steps(self, may_lose_lease: bool) -> Vec<Step> {
        match self {
            Self::ClaimReplyLost { sends } if sends < MAX_SENDS => {
                vec![Step::SendClaim, Step::StopClaiming]
            }
            Self::ClaimReplyLost { .. } => vec![Step::StopClaiming],
            Self::Abandoning => vec![Step::SendAbandon, Step::StopAbandoning],
            Self::Acquired(_) => vec![Step::Start],
            Self::Running { given_up, .. } => {
                let mut steps =
                    vec![Step::Renew, Step::End(End::Complete), Step::End(End::Release)];
                steps.extend((!given_up).then_some(Step::GiveUp));
                steps.extend((given_up || may_lose_lease).then_some(Step::Cancel));
                steps
            }
            Self::Settling { awaits_reply: false, .. } => vec![Step::SendEnd],
            Self::Idle | Self::Claiming { .. } | Self::Settling { .. } | Self::Ended => Vec::new(),
        }
    }

    pub(crate) fn is_active(self) -> bool {
        !matches!(self, Self::Idle | Self::Ended)
    }

    pub(crate) fn shift_times(&mut self, shift: impl Fn(u64) -> u64) {
        if let Self::Acquired(grant) | Self::Running { grant, .. } | Self::Settling { grant, .. } =
            self
        {
            *grant = grant.shifted(shift);
        }
    }

    /// The phase after a step, and the operation that is sent.
    pub(crate) fn step(self, step: Step) -> (Self, Option<Op>) {
        match (self, step) {
            (Self::Idle, Step::SendClaim) => (Self::Claiming { sends: 1 }, Some(Op::Claim)),
            (Self::ClaimReplyLost { sends }, Step::SendClaim) => {
                (Self::Claiming { sends: sends + 1 }, Some(Op::Claim))
            }
            (Self::ClaimReplyLost { .. }, Step::StopClaiming) => (Self::Abandoning, None),
            (Self::Abandoning, Step::SendAbandon) => (self, Some(Op::Abandon)),
            (Self::Acquired(grant), Step::Start) => {
                (Self::Running { grant, given_up: false }, None)
            }
            (Self::Running { grant, .. }, Step::Renew) => (self, Some(Op::Renew(grant))),
            (Self::Running { grant, .. }, Step::GiveUp) => {
                (Self::Running { grant, given_up: true }, Some(Op::GiveUp(grant)))
            }
            (Self::Running { grant, .. }, Step::End(end))
            | (Self::Settling { grant, end, .. }, Step::SendEnd) => {
                (Self::Settling { grant, end, awaits_reply: true }, Some(end.op(grant)))
            }
            (Self::Abandoning, Step::StopAbandoning) | (Self::Running { .. }, Step::Cancel) => {
                (Self::Ended, None)
            }
            _ => unreachable!("{self:?} has no {step:?}"),
        }
    }

    /// Whether the process waits for the reply to `op`.
    pub(crate) fn awaits_reply_to(self, op: Op) -> bool {
        match (self, op) {
            (Self::Claiming { .. }, Op::Claim) | (Self::Abandoning, Op::Abandon) => true,
            (Self::Settling { grant, end, awaits_reply: true }, op) => op == end.op(grant),
            _ => false,
        }
    }

    /// The phase after a reply was lost or did not arrive in time.
    pub(crate) fn lose_reply(self) -> Self {
        match self {
            Self::Claiming { sends } => Self::ClaimReplyLost { sends },
            Self::Settling { grant, end, .. } => Self::Settling { grant, end, awaits_reply: false },
            phase => phase,
        }
    }

    /// The phase after the awaited reply, and the response to the client, if it is not a refusal.
    pub(crate) fn receive(self, reply: &Reply) -> (Self, Option<Response>) {
        match (self, reply) {
            (Self::Claiming { .. }, Reply::ClaimOutcome(ClaimOutcome::Acquired(claim))) => {
                (Self::Acquired(Grant { token: claim.token, attempt: claim.attempt }), None)
            }
            (Self::Claiming { sends }, Reply::ClaimOutcome(ClaimOutcome::Exists(existing))) => {
                // The first claim may still be in transit.
                let next = if sends > 1 { Self::Abandoning } else { Self::Ended };
                (next, Response::of(existing))
            }
            (Self::Settling { end: End::Complete, .. }, Reply::Update(Update::Applied)) => {
                (Self::Ended, Some(Response::Own))
            }
            (Self::Settling { end: End::Complete, .. }, Reply::Update(Update::Stale(existing))) => {
                (Self::Ended, existing.as_deref().and_then(Response::of))
            }
            (Self::Abandoning, Reply::Update(Update::Stale(_))) => (self, None),
            _ => (Self::Ended, None),
        }
    }
}

/// A response that a client gets and that is not a refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Response {
    /// The response of its own run.
    Own,
    /// The stored response of a run of this process.
    Replay(ProcessId),
}

impl Response {
    fn of(existing: &ExistingRecord) -> Option<Self> {
        match &existing.state {
            State::Completed(_) => completed_by(&existing.state).map(Self::Replay),
            _ => None,
        }
    }
}
