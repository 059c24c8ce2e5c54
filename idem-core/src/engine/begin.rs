//! The start of a guarded call: claim the key, or find out what stands in its way.

use std::sync::atomic::Ordering;
use std::time::Instant;

use tracing::Instrument;

use super::execution::Execution;
use super::run::{Run, report};
use super::settle::Settlement;
use super::{Call, Idempotency};
use crate::answer::Answer;
use crate::error::StoreError;
use crate::fingerprint::contradict;
use crate::record::State;
use crate::rejection::Rejection;
use crate::store::{Claimed, Existing};

/// What a call led to, if it was not refused.
pub(super) enum Begun {
    /// Its key is new: the handler is to run.
    Run(Run),
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
            let claimed_at = Instant::now();
            match self.claim(call).await? {
                Claimed::Full(capacity) => return Err(Rejection::TooManyKeys(capacity)),
                Claimed::Acquired(claim) => {
                    let lease = engine.keeper.hold(claim, call, claimed_at);
                    let settlement = Settlement { engine: self.clone(), lease, tracked };
                    return Ok(Begun::Run(Run { settlement, span: call.span.clone() }));
                }
                Claimed::Existing(existing) => {
                    if let Some(answer) = standing(call, existing)? {
                        return Ok(Begun::Replay(answer));
                    }
                }
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

/// What a record means for a duplicate: its answer, a rejection, or `None` while the first runs. The
/// fingerprint is compared before everything else (T16, R10).
fn standing(call: &Call, existing: Existing) -> Result<Option<Answer>, Rejection> {
    if contradict(existing.fingerprint, call.fingerprint) {
        return Err(Rejection::KeyReused);
    }
    match existing.state {
        State::Completed(answer) => Ok(Some(answer)),
        State::Running => Ok(None),
        State::NotRetained { .. } => Err(Rejection::ResultUnavailable),
        State::Unknown => Err(Rejection::OutcomeUnknown),
    }
}
