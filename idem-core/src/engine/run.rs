//! A won claim: the handler runs under a lease, and its end is settled.

use std::any::Any;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::FutureExt;
use tracing::Span;

use super::execution::Execution;
use super::keeper::{Fate, Lease};
use super::settle::{End, Settled, Settlement};
use crate::model::{
    Claim, Completion, Fingerprint, Guarantee, Outcome, Rejection, State, StoredResponse,
    contradict,
};
use crate::store::{ExistingRecord, Update};

/// What a handler did: the answer for its own caller, and what the record shall say.
#[derive(Debug)]
pub struct Executed<T> {
    /// What the caller of this run gets.
    pub reply: T,
    /// What the answer says about the effect.
    pub outcome: Outcome,
    /// What every later caller gets, if the outcome is recorded.
    pub completion: Completion,
}

/// How a guarded call was answered.
#[derive(Debug)]
pub enum Served<T> {
    /// By running the handler.
    Executed(T),
    /// By the stored answer of an earlier run.
    Replayed(StoredResponse),
}

/// A claim that was won and whose handler has not been polled.
pub(super) struct Run {
    pub(super) settlement: Settlement,
    pub(super) span: Span,
}

impl Run {
    /// Runs the handler to its end and settles it, and tells the span how the call was answered, even
    /// when nobody waits for it any more. Dropped half-way it leaves what a crash leaves, so where nothing
    /// is borrowed, the engine polls it in place and hands the rest to the runtime if its caller goes.
    pub(super) fn execute<T, H, Fut, P>(
        self,
        handler: H,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Rejection>>
    where
        P: FnOnce() -> Executed<T>,
        H: FnOnce(Claim) -> Fut,
        Fut: Future<Output = Executed<T>>,
    {
        let Self { settlement, span } = self;
        async move {
            let ended = {
                let claim = settlement.lease.claim();
                let running = AssertUnwindSafe(async move { handler(claim).await }).catch_unwind();
                until_fate(pin!(running), &settlement.lease).await
            };
            let executed = match ended {
                Ok(Ok(executed)) => executed,
                Ok(Err(panic)) => {
                    let record = settlement.lease.claim().id;
                    tracing::error!(%record, panic = panic_text(&*panic), "the handler panicked");
                    on_panic()
                }
                // Dropped in mid-run. What it did is unknown, and blocking code may still be at it.
                Err(Fate::GivenUp) => return answered(&span, Err(Rejection::OutcomeUnknown)),
                // As here; but another run may own the key by now, and have the one result already (R32).
                Err(Fate::Lost) => {
                    let standing = Box::pin(settlement.look()).await;
                    let fingerprint = settlement.lease.fingerprint();
                    return answered(&span, accepted_answer(standing, fingerprint));
                }
            };
            settlement.lease.settle();
            let ended = Ended::of(&settlement.lease);
            let end = if frees(executed.outcome, ended.guarantee) {
                End::Release
            } else {
                End::Complete(executed.completion)
            };
            let settled = settlement.settle(end).await;
            answered(&span, ended.serve(executed.reply, settled))
        }
    }
}

/// What is known of a run whose handler has ended.
struct Ended {
    claim: Claim,
    guarantee: Guarantee,
    fingerprint: Option<Fingerprint>,
}

impl Ended {
    fn of(lease: &Lease) -> Self {
        Self {
            claim: lease.claim(),
            guarantee: lease.policy().guarantee,
            fingerprint: lease.fingerprint(),
        }
    }

    /// What the caller gets once the store has, or has not, taken the end of its run.
    fn serve<T>(&self, reply: T, settled: Settled) -> Result<Served<T>, Rejection> {
        let record = self.claim.id;
        match (settled, self.guarantee) {
            (Settled::Released | Settled::Completed(Update::Applied), _) => {
                Ok(Served::Executed(reply))
            }
            (Settled::Completed(Update::Stale(standing)), _) => {
                let attempt = self.claim.attempt;
                tracing::warn!(%record, attempt, "late completion: the claim was taken over or is gone, so two effects may exist");
                accepted_answer(standing, self.fingerprint)
            }
            // The effect exists, and no later request can run it again: its caller may know (R35).
            (Settled::Postponed(error), Guarantee::AtMostOnce) => {
                let error = &error as &dyn Error;
                tracing::error!(%record, error, "the answer is not stored yet; still trying");
                Ok(Served::Executed(reply))
            }
            // A success that a client has seen must never be followed by a rerun.
            (Settled::Postponed(error), Guarantee::AtLeastOnce) => {
                Err(Rejection::Unrecorded(error))
            }
        }
    }
}

/// The one result of the key, if it is another run's of the same request (R32, P8).
pub(super) fn accepted_answer<T>(
    standing: Option<Box<ExistingRecord>>,
    fingerprint: Option<Fingerprint>,
) -> Result<Served<T>, Rejection> {
    let same = |existing: &ExistingRecord| !contradict(existing.fingerprint, fingerprint);
    match standing.filter(|existing| same(existing)).map(|existing| existing.state) {
        Some(State::Completed(answer)) => Ok(Served::Replayed(answer)),
        _ => Err(Rejection::OutcomeUnknown),
    }
}

/// Tells the span how a call was answered.
pub(super) fn answered<T>(
    span: &Span,
    served: Result<Served<T>, Rejection>,
) -> Result<Served<T>, Rejection> {
    let word = match &served {
        Ok(Served::Executed(_)) => "executed",
        Ok(Served::Replayed(_)) => "replayed",
        Err(rejection) => {
            report(span, rejection);
            return served;
        }
    };
    span.record("outcome", word);
    served
}

/// Tells the span of a rejection, and logs one that an operator must see.
pub(super) fn report(span: &Span, rejection: &Rejection) {
    span.record("outcome", rejection.slug());
    if rejection.status() >= 500 {
        let error = rejection as &dyn Error;
        span.in_scope(|| tracing::error!(error, "a guarded call was refused"));
    }
}

/// Whether a run's end frees the key instead of being recorded (R21).
const fn frees(outcome: Outcome, guarantee: Guarantee) -> bool {
    match (outcome, guarantee) {
        (Outcome::NotExecuted, _) | (Outcome::Ambiguous, Guarantee::AtLeastOnce) => true,
        (Outcome::Final, _) | (Outcome::Ambiguous, Guarantee::AtMostOnce) => false,
    }
}

/// Drives `running` until it ends or the lease's fate is decided.
fn until_fate<F: Future>(
    mut running: Pin<&mut F>,
    lease: &Lease,
) -> impl Future<Output = Result<F::Output, Fate>> {
    let execution = Execution::of(lease.claim());
    poll_fn(move |cx| match execution.enter(|| running.as_mut().poll(cx)) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => lease.poll_fate(cx).map(Err),
    })
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
