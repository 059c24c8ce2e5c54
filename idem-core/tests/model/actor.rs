//! One process with one request: the owner's protocol, as the engine follows it.

use idem_core::store::{ClaimOutcome, ExistingRecord, State, Update};

use crate::store::{Op, Reply, Won, result};

/// How often a claim is sent.
const SENDS: u8 = 2;

/// How far a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    #[default]
    Idle,
    /// The claim is sent and its answer awaited.
    Claiming { sends: u8 },
    /// The answer to the claim was lost.
    Doubting { sends: u8 },
    /// The request is refused, and what it may have won is given back.
    Abandoning,
    /// The claim is won, the handler not polled.
    Acquired(Won),
    /// The handler runs. A run that was given up may still end by itself.
    Running { won: Won, given_up: bool },
    /// The handler ended.
    Ending { won: Won, end: End, awaits: bool },
    /// Answered, or crashed.
    Over,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// With an answer to keep.
    StoredResponse,
    /// The key is freed: not executed, or ambiguous under at least once.
    Free,
}

impl End {
    pub(crate) const fn op(self, won: Won) -> Op {
        match self {
            Self::StoredResponse => Op::StoredResponse(won),
            Self::Free => Op::Release(won),
        }
    }
}

/// What a process does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    SendClaim,
    StopClaiming,
    SendAbandon,
    StopAbandoning,
    Start,
    Renew,
    GiveUp,
    /// The run is cut off, since it was given up or its lease was lost.
    Cut,
    End(End),
    SendEnd,
}

impl Phase {
    /// What the process may do now. `may_lose` is whether its lease can be lost to another.
    pub(crate) fn steps(self, may_lose: bool) -> Vec<Step> {
        match self {
            Self::Doubting { sends } if sends < SENDS => vec![Step::SendClaim, Step::StopClaiming],
            Self::Doubting { .. } => vec![Step::StopClaiming],
            Self::Abandoning => vec![Step::SendAbandon, Step::StopAbandoning],
            Self::Acquired(_) => vec![Step::Start],
            Self::Running { given_up, .. } => {
                let mut steps =
                    vec![Step::Renew, Step::End(End::StoredResponse), Step::End(End::Free)];
                steps.extend((!given_up).then_some(Step::GiveUp));
                steps.extend((given_up || may_lose).then_some(Step::Cut));
                steps
            }
            Self::Ending { awaits: false, .. } => vec![Step::SendEnd],
            Self::Idle | Self::Claiming { .. } | Self::Ending { .. } | Self::Over => Vec::new(),
        }
    }

    pub(crate) fn is_under_way(self) -> bool {
        !matches!(self, Self::Idle | Self::Over)
    }

    pub(crate) fn shift_times(&mut self, shift: impl Fn(u64) -> u64) {
        if let Self::Acquired(won) | Self::Running { won, .. } | Self::Ending { won, .. } = self {
            *won = won.shifted(shift);
        }
    }

    /// The phase after a step, and what it sends.
    pub(crate) fn step(self, step: Step) -> (Self, Option<Op>) {
        match (self, step) {
            (Self::Idle, Step::SendClaim) => (Self::Claiming { sends: 1 }, Some(Op::Claim)),
            (Self::Doubting { sends }, Step::SendClaim) => {
                (Self::Claiming { sends: sends + 1 }, Some(Op::Claim))
            }
            (Self::Doubting { .. }, Step::StopClaiming) => (Self::Abandoning, None),
            (Self::Abandoning, Step::SendAbandon) => (self, Some(Op::Abandon)),
            (Self::Acquired(won), Step::Start) => (Self::Running { won, given_up: false }, None),
            (Self::Running { won, .. }, Step::Renew) => (self, Some(Op::Renew(won))),
            (Self::Running { won, .. }, Step::GiveUp) => {
                (Self::Running { won, given_up: true }, Some(Op::Unknown(won)))
            }
            (Self::Running { won, .. }, Step::End(end))
            | (Self::Ending { won, end, .. }, Step::SendEnd) => {
                (Self::Ending { won, end, awaits: true }, Some(end.op(won)))
            }
            (Self::Abandoning, Step::StopAbandoning) | (Self::Running { .. }, Step::Cut) => {
                (Self::Over, None)
            }
            _ => unreachable!("{self:?} has no {step:?}"),
        }
    }

    /// Whether the process waits for the answer to `op`.
    pub(crate) fn awaits(self, op: Op) -> bool {
        match (self, op) {
            (Self::Claiming { .. }, Op::Claim) | (Self::Abandoning, Op::Abandon) => true,
            (Self::Ending { won, end, awaits: true }, op) => op == end.op(won),
            _ => false,
        }
    }

    /// The store failed, or did not answer in time.
    pub(crate) fn fail(self) -> Self {
        match self {
            Self::Claiming { sends } => Self::Doubting { sends },
            Self::Ending { won, end, .. } => Self::Ending { won, end, awaits: false },
            phase => phase,
        }
    }

    /// The store answered what the process waits for.
    pub(crate) fn hear(self, reply: &Reply) -> (Self, Option<Shown>) {
        match (self, reply) {
            (Self::Claiming { .. }, Reply::ClaimOutcome(ClaimOutcome::Acquired(claim))) => {
                (Self::Acquired(Won { token: claim.token, attempt: claim.attempt }), None)
            }
            (Self::Claiming { sends }, Reply::ClaimOutcome(ClaimOutcome::Exists(existing))) => {
                // The first claim may still be on its way.
                let rest = if sends > 1 { Self::Abandoning } else { Self::Over };
                (rest, Shown::standing(existing))
            }
            (Self::Ending { end: End::StoredResponse, .. }, Reply::Update(Update::Applied)) => {
                (Self::Over, Some(Shown::Own))
            }
            (
                Self::Ending { end: End::StoredResponse, .. },
                Reply::Update(Update::Stale(standing)),
            ) => (Self::Over, standing.as_deref().and_then(Shown::standing)),
            (Self::Abandoning, Reply::Update(Update::Stale(_))) => (self, None),
            _ => (Self::Over, None),
        }
    }
}

/// The answer that a client is shown, if it is one and no rejection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown {
    Own,
    Replay(crate::store::Actor),
}

impl Shown {
    fn standing(existing: &ExistingRecord) -> Option<Self> {
        match &existing.state {
            State::Completed(_) => result(&existing.state).map(Self::Replay),
            _ => None,
        }
    }
}
