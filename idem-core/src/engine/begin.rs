//! The start of a guarded call: claim the key, or find out what stands in its way.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::future::{BoxFuture, Either};
use tracing::Instrument;
use tracing::instrument::Instrumented;

use super::claim::SentClaim;
use super::execution::Execution;
use super::run::{Executed, Run, Served, report};
use super::settle::Settlement;
use super::transact::Transacting;
use super::{Call, Idempotency};
use crate::model::{Claim, Rejection, State, StoreError, StoredResponse, contradict};
use crate::store::{ClaimOutcome, ExistingRecord, OpenOutcome, TransactionSlot};

/// The rest of a call that waits for its store, or for the first run.
type Later<'a> = Instrumented<BoxFuture<'a, Result<Begun, Rejection>>>;

/// What a call led to, if it was not refused.
pub(super) enum Begun {
    /// Its key is new: the handler is to run.
    Run(Run),
    /// Its key is new, and claimed by an open transaction: the handler is to run in that.
    Transact(Transacting),
    /// Its key is done: this is the answer.
    Replay(StoredResponse),
}

impl Begun {
    /// The run of the handler to its end, and to that of its record; or the answer that stands there.
    pub(super) fn execute<T, H, Fut, P>(
        self,
        handler: H,
        on_panic: P,
    ) -> Either<StoredResponse, impl Future<Output = Result<Served<T>, Rejection>>>
    where
        H: FnOnce(Claim) -> Fut,
        Fut: Future<Output = Executed<T>>,
        P: FnOnce() -> Executed<T>,
    {
        let (span, running) = match self {
            Self::Replay(answer) => return Either::Left(answer),
            Self::Run(run) => (run.span.clone(), Either::Left(run.execute(handler, on_panic))),
            // Boxed, because the other is the usual one and would have to make room for it.
            Self::Transact(run) => {
                (run.span.clone(), Either::Right(Box::pin(run.execute(handler, on_panic))))
            }
        };
        Either::Right(running.instrument(span))
    }
}

impl Idempotency {
    /// Claims the key, waiting for the first run if the policy says so. The call's span learns what came
    /// of it, unless it is a run.
    pub(super) async fn begin(&self, call: &Call) -> Result<Begun, Rejection> {
        let _tracked = self.0.runs.token();
        let begun = match self.begin_at_once(call) {
            Either::Left(begun) => begun,
            Either::Right(later) => later.await,
        };
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

    /// What comes of a call whose store answers at once. Else all that is left to do: boxed, because every
    /// call would have to make room for it.
    fn begin_at_once<'a>(&'a self, call: &'a Call) -> Either<Result<Begun, Rejection>, Later<'a>> {
        let later: BoxFuture<'a, _> = match call.span.in_scope(|| self.ask(call)) {
            Either::Left(answered) => match answered.transpose() {
                Some(begun) => return Either::Left(begun),
                None => Box::pin(self.wait(call)),
            },
            Either::Right(unanswered) => Box::pin(async move {
                match self.answer(call, unanswered).await? {
                    Some(begun) => Ok(begun),
                    None => self.wait(call).await,
                }
            }),
        };
        Either::Right(later.instrument(call.span.clone()))
    }

    /// Asks again whenever the record may have changed, as long as the policy says.
    async fn wait(&self, call: &Call) -> Result<Begun, Rejection> {
        let engine = &*self.0;
        let waiter = call.policy.wait.and_then(|wait| engine.waiting.enter(call.id, wait));
        let mut waiter = waiter.ok_or(Rejection::InProgress)?;
        while waiter.next(&*engine.store).await {
            let answered = match self.ask(call) {
                Either::Left(answered) => answered?,
                Either::Right(unanswered) => self.answer(call, unanswered).await?,
            };
            if let Some(begun) = answered {
                return Ok(begun);
            }
        }
        Err(Rejection::InProgress)
    }
}

/// An attempt that the store did not answer at once: a claim that was sent, or a transaction that is to be
/// opened and passed through this.
type Unanswered<'a> = Either<SentClaim, &'a TransactionSlot>;

/// One attempt at a key: `None` while the first runs.
impl Idempotency {
    fn ask<'a>(&self, call: &'a Call) -> Either<Result<Option<Begun>, Rejection>, Unanswered<'a>> {
        if let Err(rejection) = self.may_ask() {
            return Either::Left(Err(rejection));
        }
        if let Some(slot) = &call.transaction {
            return Either::Right(Either::Right(slot));
        }
        let now = Instant::now();
        match self.claim(call, now) {
            Either::Left(claimed) => Either::Left(self.claimed(call, claimed, now)),
            Either::Right(sent) => Either::Right(Either::Left(sent)),
        }
    }

    async fn answer(
        &self,
        call: &Call,
        unanswered: Unanswered<'_>,
    ) -> Result<Option<Begun>, Rejection> {
        match unanswered {
            Either::Left(sent) => {
                let sent_at = sent.at;
                self.claimed(call, self.insist(sent).await?, sent_at)
            }
            Either::Right(slot) => self.opened(call, self.open(call, slot).await?),
        }
    }

    /// Whether the store may be asked now. What a run calls in turn is part of it, and shutdown waits for
    /// that.
    fn may_ask(&self) -> Result<(), Rejection> {
        let started = self.0.keeper.start();
        started.map_err(|error| Rejection::StoreUnavailable(Some(StoreError::not_done(error))))?;
        if self.0.draining.load(Ordering::SeqCst) && Execution::try_current().is_none() {
            return Err(Rejection::Draining);
        }
        Ok(())
    }

    fn claimed(
        &self,
        call: &Call,
        claimed: ClaimOutcome,
        at: Instant,
    ) -> Result<Option<Begun>, Rejection> {
        match claimed {
            ClaimOutcome::Acquired(claim) => {
                let lease = self.0.keeper.hold(claim, call, at);
                let tracked = self.0.runs.token();
                let settlement = Settlement { engine: self.clone(), lease, tracked };
                Ok(Some(Begun::Run(Run { settlement, span: call.span.clone() })))
            }
            ClaimOutcome::Exists(existing) => standing(call, existing),
            ClaimOutcome::AtCapacity(capacity) => Err(Rejection::TooManyKeys(capacity)),
        }
    }

    fn opened(&self, call: &Call, opened: OpenOutcome) -> Result<Option<Begun>, Rejection> {
        match opened {
            OpenOutcome::Opened(transaction) => {
                let tracked = self.0.runs.token();
                Ok(Some(Begun::Transact(self.transacting(transaction, call, tracked))))
            }
            OpenOutcome::Exists(existing) => standing(call, existing),
            OpenOutcome::AtCapacity(capacity) => Err(Rejection::TooManyKeys(capacity)),
        }
    }
}

/// What a record means for a duplicate: its answer, a rejection, or `None` while the first runs. The
/// fingerprint is compared before everything else (T16, R10).
fn standing(call: &Call, existing: ExistingRecord) -> Result<Option<Begun>, Rejection> {
    if contradict(existing.fingerprint, call.fingerprint) {
        return Err(Rejection::KeyReused);
    }
    match existing.state {
        State::Completed(answer) => Ok(Some(Begun::Replay(answer))),
        State::Running => Ok(None),
        State::NotRetained { status } => Err(Rejection::ResultUnavailable { status }),
        State::Unknown => Err(Rejection::OutcomeUnknown),
    }
}
