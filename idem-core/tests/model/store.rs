//! The store: one slot per key, changed by messages.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use idem_core::state_machine::{self, Change, Slot, Timestamp};
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, FencingToken,
    Headers, RecordId, Resolution, State, StoredResponse, UnknownOutcome, UnknownReason, Update,
};

use crate::handlers::Handlers;

/// The reading of the store's clock in every state, in ticks. Times move relative to it, so that states
/// are equal if they differ only in the time.
pub(crate) const NOW: u64 = 100;
pub(crate) const LEASE: u64 = 2;
pub(crate) const TTL: u64 = 3;
pub(crate) const HOLD: u64 = 4;
/// The quiet time after a recovery that was inconclusive.
pub(crate) const RECHECK: u64 = 1;

/// The index of a process. It also identifies the result of its run.
pub(crate) type ProcessId = u8;

/// The slot of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredSlot(pub(crate) Option<Slot>);

impl Hash for StoredSlot {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Some(slot) = &self.0 else { return 0_u8.hash(hasher) };
        let record = &slot.record;
        (record.nonce, record.token, record.attempt, record.recoverable).hash(hasher);
        (completed_by(&record.state), record.extras.silence()).hash(hasher);
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
            if let Some(mut silence) = record.extras.silence() {
                silence.since.0 = shift(silence.since.0);
                record.extras = record.extras.with_silence(Some(silence));
            }
        }
    }

    /// Removes a record that expired at `past` or before.
    pub(crate) fn purge(&mut self, past: u64) {
        self.0.take_if(|slot| slot.expired(Timestamp(past)));
    }

    /// The state that a duplicate reads at `now`. `None` if the duplicate would run, or recover the outcome.
    pub(crate) fn state_for_duplicate(&self, handlers: Handlers, now: u64) -> Option<State> {
        match claim(self.0.as_ref(), ProcessId::MAX, handlers, now).1 {
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
    ResumeRun(Grant),
    Complete(Grant, Ending),
    Release(Grant),
    /// A decision of the operator, with the token that it has seen.
    Resolve(FencingToken, Decision),
}

/// The value that a completion stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Ending {
    /// The result of the run of this process.
    Result(ProcessId),
    TimedOut,
    Ambiguous,
    Inconclusive,
    Disputed,
}

/// A resolution by the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Decision {
    /// With the result of the run of this process.
    Complete(ProcessId),
    Release,
    Hold,
    Evict,
}

/// Replaces the attempts of claims from before the window.
pub(crate) const EARLIER_WINDOW: u32 = 0;

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
    /// Applies this message to the slot.
    pub(crate) fn apply(self, slot: Option<&Slot>, handlers: Handlers) -> (Change, Reply) {
        let Self { process, op } = self;
        let (at, lease, hold) = (Timestamp(NOW), micros(LEASE), micros(HOLD));
        let (change, update) = match op {
            Op::Claim => {
                let (change, outcome) = claim(slot, process, handlers, NOW);
                return (change, Reply::ClaimOutcome(outcome));
            }
            Op::Abandon => state_machine::abandon(slot, nonce(process), at),
            Op::Renew(grant) => {
                state_machine::renew(slot, &grant.claim_of(process), lease, hold, at)
            }
            Op::ResumeRun(grant) => {
                state_machine::resume_run(slot, &grant.claim_of(process), lease, hold, at)
            }
            Op::Complete(grant, ending) => {
                let (claim, completion) = (grant.claim_of(process), ending.completion());
                let retention = handlers.policy().retention(&completion);
                state_machine::complete(slot, &claim, completion, retention, at)
            }
            Op::Release(grant) => state_machine::release(slot, &grant.claim_of(process), at),
            Op::Resolve(token, decision) => {
                state_machine::resolve(slot, token, decision.resolution(), at)
            }
        };
        (change, Reply::Update(update))
    }
}

impl Op {
    pub(crate) fn token_mut(&mut self) -> Option<&mut FencingToken> {
        match self {
            Self::Claim | Self::Abandon => None,
            Self::Renew(grant)
            | Self::ResumeRun(grant)
            | Self::Complete(grant, _)
            | Self::Release(grant) => Some(&mut grant.token),
            Self::Resolve(token, _) => Some(token),
        }
    }
}

/// Replaces fencing tokens that are not current any more. No record has it.
const REPLACED: FencingToken = FencingToken(0);

/// Moves a fencing token, because it is a time.
pub(crate) fn shift_token(token: &mut FencingToken, shift: impl Fn(u64) -> u64) {
    if *token != REPLACED {
        token.0 = shift(token.0);
    }
}

/// Forgets a token that is not the `current` one, so that states are equal that differ only in such tokens, and so that
/// they stay different from the current one. A later claim can get an equal token only within the same microsecond
/// or if the clock goes back, and then it has another nonce.
pub(crate) fn forget_replaced(token: &mut FencingToken, current: Option<FencingToken>) {
    if Some(*token) != current {
        *token = REPLACED;
    }
}

impl Ending {
    fn completion(self) -> Completion {
        let unknown = |reason, quiet| {
            let outcome = UnknownOutcome::new(reason);
            Completion::Unknown(UnknownOutcome { quiet: micros(quiet), ..outcome })
        };
        match self {
            Self::Result(process) => Completion::Response(response(process)),
            Self::TimedOut => unknown(UnknownReason::TimedOut, 0),
            Self::Ambiguous => unknown(UnknownReason::Ambiguous, 0),
            Self::Inconclusive => unknown(UnknownReason::RecoverInconclusive, RECHECK),
            Self::Disputed => unknown(UnknownReason::Disputed, 0),
        }
    }
}

impl Decision {
    fn resolution(self) -> Resolution {
        match self {
            Self::Complete(process) => {
                Resolution::Complete { response: response(process), ttl: micros(TTL) }
            }
            Self::Release => Resolution::Release,
            Self::Hold => Resolution::Hold(micros(HOLD)),
            Self::Evict => Resolution::Evict,
        }
    }
}

impl Grant {
    pub(crate) const fn of(claim: &Claim) -> Self {
        Self { token: claim.token, attempt: claim.attempt }
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
    handlers: Handlers,
    now: u64,
) -> (Change, ClaimOutcome) {
    let mut request =
        ClaimRequest::new(&handlers.policy()).with_recoverable(handlers.recovers(process));
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

fn response(process: ProcessId) -> StoredResponse {
    StoredResponse::new(200, Headers::default(), Bytes::copy_from_slice(&[process]))
}

pub(crate) const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}
