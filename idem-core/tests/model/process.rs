//! The steps of a process that sends one request. They follow the engine.

use idem_core::store::{ClaimOutcome, ExistingRecord, FencingToken, State, Update};

use crate::store::{EARLIER_WINDOW, Ending, Grant, Op, ProcessId, Reply, completed_by, micros};

/// The number of times that a claim is sent at most.
const MAX_SENDS: u8 = 2;

/// The silence of a lost run after which a report that nothing happened is accepted.
const SETTLE: u64 = 1;

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
    /// The key of a lost run was granted, and the `recover` hook runs. `settled` is whether the lost run has been
    /// silent for long enough.
    Recovering { grant: Grant, settled: bool },
    /// The hook reported that nothing happened, and the store is asked to resume the run.
    Resuming { grant: Grant, awaits_reply: bool },
    /// The handler may start. It was not polled yet.
    Acquired(Grant),
    /// The handler runs. A run that was given up can still end by itself.
    Running { grant: Grant, given_up: bool },
    /// The handler ended, and its result is sent to the store.
    Settling { grant: Grant, end: End, awaits_reply: bool },
    /// The client got a response, or the process crashed.
    Ended,
}

/// The end of a run or of a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// With a result to store, or with an unknown outcome.
    Complete(Ending),
    /// With an outcome that frees the key: not executed, or ambiguous under at least once.
    Release,
}

impl End {
    pub(crate) const fn op(self, grant: Grant) -> Op {
        match self {
            Self::Complete(ending) => Op::Complete(grant, ending),
            Self::Release => Op::Release(grant),
        }
    }
}

/// The circumstances on which the steps of a process depend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) process: ProcessId,
    /// Whether the handler has `recover`.
    pub(crate) recovers: bool,
    /// Whether the process sees that its lease is over, and another process can replace it.
    pub(crate) may_lose_lease: bool,
    /// The run whose effect the `recover` hook finds.
    pub(crate) effect_of: Option<ProcessId>,
}

/// A step that a process takes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    SendClaim,
    StopClaiming,
    SendAbandon,
    StopAbandoning,
    SendResume,
    Start,
    Renew,
    GiveUp,
    /// The handler or the hook is cancelled, because the run was given up or lost its lease.
    Cancel,
    End(End),
    SendEnd,
}

impl Phase {
    /// The steps that are possible now.
    pub(crate) fn steps(self, view: View) -> Vec<Step> {
        let end = |ending| Step::End(End::Complete(ending));
        match self {
            Self::ClaimReplyLost { sends } if sends < MAX_SENDS => {
                vec![Step::SendClaim, Step::StopClaiming]
            }
            Self::ClaimReplyLost { .. } => vec![Step::StopClaiming],
            Self::Abandoning => vec![Step::SendAbandon, Step::StopAbandoning],
            Self::Recovering { settled, .. } => {
                let mut steps = vec![Step::Renew, end(Ending::Inconclusive), end(Ending::Disputed)];
                steps.extend(view.effect_of.map(|process| end(Ending::Result(process))));
                steps.extend(settled.then_some(Step::SendResume));
                steps.extend(view.may_lose_lease.then_some(Step::Cancel));
                steps
            }
            Self::Resuming { awaits_reply: false, .. } => vec![Step::SendResume, Step::Cancel],
            Self::Acquired(_) => vec![Step::Start],
            Self::Running { given_up, .. } => {
                let result = end(Ending::Result(view.process));
                let mut steps = vec![Step::Renew, result, Step::End(End::Release)];
                steps.extend(view.recovers.then_some(end(Ending::Ambiguous)));
                steps.extend((!given_up).then_some(Step::GiveUp));
                steps.extend((given_up || view.may_lose_lease).then_some(Step::Cancel));
                steps
            }
            Self::Settling { awaits_reply: false, .. } => vec![Step::SendEnd],
            Self::Idle
            | Self::Claiming { .. }
            | Self::Resuming { .. }
            | Self::Settling { .. }
            | Self::Ended => Vec::new(),
        }
    }

    pub(crate) fn is_active(self) -> bool {
        !matches!(self, Self::Idle | Self::Ended)
    }

    pub(crate) fn grant_mut(&mut self) -> Option<&mut Grant> {
        match self {
            Self::Recovering { grant, .. }
            | Self::Resuming { grant, .. }
            | Self::Acquired(grant)
            | Self::Running { grant, .. }
            | Self::Settling { grant, .. } => Some(grant),
            _ => None,
        }
    }

    /// Marks a claim that is not the `current` one: the window has ended.
    pub(crate) fn leave_window(&mut self, current: Option<FencingToken>) {
        match self.grant_mut() {
            Some(grant) if Some(grant.token) != current => grant.attempt = EARLIER_WINDOW,
            _ => {}
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
            (Self::Recovering { grant, .. } | Self::Running { grant, .. }, Step::Renew) => {
                (self, Some(Op::Renew(grant)))
            }
            (Self::Recovering { grant, .. } | Self::Resuming { grant, .. }, Step::SendResume) => {
                (Self::Resuming { grant, awaits_reply: true }, Some(Op::ResumeRun(grant)))
            }
            (Self::Running { grant, .. }, Step::GiveUp) => {
                let given_up = Self::Running { grant, given_up: true };
                (given_up, Some(Op::Complete(grant, Ending::TimedOut)))
            }
            (Self::Recovering { grant, .. } | Self::Running { grant, .. }, Step::End(end))
            | (Self::Settling { grant, end, .. }, Step::SendEnd) => {
                (Self::Settling { grant, end, awaits_reply: true }, Some(end.op(grant)))
            }
            (Self::Abandoning, Step::StopAbandoning) | (_, Step::Cancel) => (Self::Ended, None),
            _ => unreachable!("{self:?} has no {step:?}"),
        }
    }

    /// Whether the process waits for the reply to `op`.
    pub(crate) fn awaits_reply_to(self, op: Op) -> bool {
        match (self, op) {
            (Self::Claiming { .. }, Op::Claim) | (Self::Abandoning, Op::Abandon) => true,
            (Self::Resuming { grant, awaits_reply: true }, op) => op == Op::ResumeRun(grant),
            (Self::Settling { grant, end, awaits_reply: true }, op) => op == end.op(grant),
            _ => false,
        }
    }

    /// The phase after a reply was lost or did not arrive in time.
    pub(crate) fn lose_reply(self) -> Self {
        match self {
            Self::Claiming { sends } => Self::ClaimReplyLost { sends },
            Self::Resuming { grant, .. } => Self::Resuming { grant, awaits_reply: false },
            Self::Settling { grant, end, .. } => Self::Settling { grant, end, awaits_reply: false },
            phase => phase,
        }
    }

    /// The phase after the awaited reply, and the response to the client, if it is not a refusal.
    pub(crate) fn receive(self, reply: &Reply) -> (Self, Option<Response>) {
        match (self, reply) {
            (Self::Claiming { .. }, Reply::ClaimOutcome(ClaimOutcome::Acquired(claim))) => {
                (Self::Acquired(Grant::of(claim)), None)
            }
            (Self::Claiming { .. }, Reply::ClaimOutcome(ClaimOutcome::Recovering(claim, lost))) => {
                let settled = lost.silent_for() >= micros(SETTLE);
                (Self::Recovering { grant: Grant::of(claim), settled }, None)
            }
            (Self::Claiming { sends }, Reply::ClaimOutcome(ClaimOutcome::Exists(existing))) => {
                // The first claim may still be in transit.
                let next = if sends > 1 { Self::Abandoning } else { Self::Ended };
                (next, Response::of(existing))
            }
            (Self::Resuming { grant, .. }, Reply::Update(Update::Applied)) => {
                (Self::Acquired(grant), None)
            }
            (
                Self::Settling { end: End::Complete(Ending::Result(process)), .. },
                Reply::Update(Update::Applied),
            ) => (Self::Ended, Some(Response::Stored(process))),
            (
                Self::Settling { end: End::Complete(_), .. },
                Reply::Update(Update::Stale(existing)),
            ) => (Self::Ended, existing.as_deref().and_then(Response::of)),
            (Self::Abandoning, Reply::Update(Update::Stale(_))) => (self, None),
            _ => (Self::Ended, None),
        }
    }
}

/// A response that a client gets and that is not a refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Response {
    /// The response that the process itself has stored, for the run of this process.
    Stored(ProcessId),
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
