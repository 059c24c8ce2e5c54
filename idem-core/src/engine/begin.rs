//! The start of a guarded call: claim the key, or find out what stands in its way.

use std::sync::atomic::Ordering;
use std::time::Instant;

use tracing::Instrument;

use super::execution::Execution;
use super::keeper::Lease;
use super::run::{Run, report};
use super::settle::Settlement;
use super::transact::Transacting;
use super::{Call, Idempotency};
use crate::answer::Answer;
use crate::error::StoreError;
use crate::fingerprint::contradict;
use crate::planted::{Plant, planted};
use crate::record::State;
use crate::rejection::Rejection;
use crate::store::{Claimed, Existing, Opened, Transaction};

/// What a call led to, if it was not refused.
pub(super) enum Begun {
    /// Its key is new: the handler is to run.
    Run(Run),
    /// Its key is new, and claimed by an open transaction: the handler is to run in that.
    Transact(Transacting),
    /// Its key is done: this is the answer.
    Replay(Answer),
}

impl Idempotency {
    /// Claims the key, waiting for the first run if the policy says so. The call's span learns what came
    /// of it, unless it is a run.
    pub(super) async fn begin(&self, call: &Call) -> Result<Begun, Rejection> {
        let begun = self.claim_or_wait(call).instrument(call.span.clone()).await;
        match &begun {
            Ok(Begun::Run(run)) => {
                call.span.record("attempt", run.settlement.lease.claim().attempt);
            }
            Ok(Begun::Transact(_)) => {
                call.span.record("attempt", 1);
            }
            Ok(Begun::Replay(_)) => {
                call.span.record("outcome", "replayed");
            }
            Err(rejection) => report(&call.span, rejection),
        }
        begun
    }

    async fn claim_or_wait(&self, call: &Call) -> Result<Begun, Rejection> {
        let engine = &*self.0;
        let tracked = engine.runs.token();
        let mut waiter = None;
        engine
            .keeper
            .start()
            .map_err(|error| Rejection::StoreUnavailable(Some(StoreError::not_done(error))))?;
        loop {
            // What a run calls in turn is part of it, and shutdown waits for that.
            let nested = Execution::try_current().is_some();
            if engine.draining.load(Ordering::SeqCst) && !nested {
                return Err(Rejection::Draining);
            }
            let existing = match self.ask(call).await? {
                Asked::Existing(existing) => existing,
                Asked::Claimed(lease) => {
                    let settlement = Settlement { engine: self.clone(), lease, tracked };
                    return Ok(Begun::Run(Run { settlement, span: call.span.clone() }));
                }
                Asked::Opened(transaction) => {
                    return Ok(Begun::Transact(self.transacting(transaction, call, tracked)));
                }
            };
            if let Some(answer) = standing(call, existing)? {
                return Ok(Begun::Replay(answer));
            }
            if waiter.is_none() {
                waiter = call.policy.wait.and_then(|wait| engine.waiting.enter(call.id, wait));
            }
            let waiting = waiter.as_mut().ok_or(Rejection::InProgress)?;
            // Boxed, because few calls wait and all would have to make room for it.
            if !Box::pin(waiting.next(&*engine.store)).await {
                return Err(Rejection::InProgress);
            }
        }
    }
}

/// The answer to one attempt at a key.
enum Asked {
    Claimed(Lease),
    Opened(Box<dyn Transaction>),
    Existing(Existing),
}

impl Idempotency {
    async fn ask(&self, call: &Call) -> Result<Asked, Rejection> {
        if let Some(slot) = &call.transaction {
            // Boxed, so that calls without a transaction stay small.
            return Ok(match Box::pin(self.open(call, slot)).await? {
                Opened::Open(transaction) => Asked::Opened(transaction),
                Opened::Existing(existing) => Asked::Existing(existing),
                Opened::Full(capacity) => return Err(Rejection::TooManyKeys(capacity)),
            });
        }
        let claimed_at = Instant::now();
        match self.claim(call).await? {
            Claimed::Acquired(claim) => {
                Ok(Asked::Claimed(self.0.keeper.hold(claim, call, claimed_at)))
            }
            Claimed::Existing(existing) => Ok(Asked::Existing(existing)),
            Claimed::Full(capacity) => Err(Rejection::TooManyKeys(capacity)),
        }
    }
}

/// What a record means for a duplicate: its answer, a rejection, or `None` while the first runs. The
/// fingerprint is compared before everything else (T16, R10).
fn standing(call: &Call, existing: Existing) -> Result<Option<Answer>, Rejection> {
    let completed = matches!(existing.state, State::Completed(_));
    let compared = !(completed && planted(Plant::ReplayBeforeMismatch));
    if compared && contradict(existing.fingerprint, call.fingerprint) {
        return Err(Rejection::KeyReused);
    }
    match existing.state {
        State::Completed(answer) => Ok(Some(answer)),
        State::Running => Ok(None),
        State::NotRetained { status } => Err(Rejection::ResultUnavailable { status }),
        State::Unknown => Err(Rejection::OutcomeUnknown),
    }
}
