//! The start of a guarded call: claim the key, or find out what the record under it means.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::future::Either;
use tracing::Instrument;

use super::abandon::LostClaim;
use super::duplicate::{Finder, Meaning, evaluate};
use super::execution::Execution;
use super::lease::LeaseHolder;
use super::recovery::Recovered;
use super::report::CallReport;
use super::run::LeasedRun;
use super::served::{Executed, Served};
use super::transaction::TransactionRun;
use super::wait::Waiter;
use super::{Call, Idempotency};
use crate::detach::{DetachOnDrop, spawn_on_runtime, spawn_on_thread};
use crate::model::{
    Claim, ExistingRecord, LostRun, Recovery, Refusal, Rejection, State, StoreError,
    StoredResponse, UnknownReason,
};
use crate::observe::Event;
use crate::store::{ClaimOutcome, OpenOutcome, TransactionSlot};

/// The next step of a guarded call that is not refused. Returned by [`Idempotency::start`].
#[derive(Debug)]
pub enum Start {
    /// The key is new. The handler runs.
    Run(Run),
    /// The key is done. This is its response.
    Replay(StoredResponse),
}

/// A run whose handler has not been polled. Dropping it has the effect of a crash before the handler started.
#[derive(Debug)]
pub struct Run(pub(super) Claimant);

/// What holds the key of a run.
#[derive(Debug)]
pub(super) enum Claimant {
    /// The key is claimed by a lease.
    Leased(LeasedRun),
    /// The key is claimed by an open transaction. It is boxed, because a leased run is the usual one.
    InTransaction(Box<TransactionRun>),
}

impl Run {
    pub(super) fn claim(&self) -> Claim {
        match &self.0 {
            Claimant::Leased(run) => run.claim(),
            Claimant::InTransaction(run) => run.claim(),
        }
    }

    /// Polls `handling` to its end, and stores the result. `on_panic` returns the result that a panic counts as.
    ///
    /// Cancel safe: if this future is dropped, the run continues on the runtime of the dropping thread, and its result is
    /// stored ([client disconnect](crate::rules::semantics#client-disconnect)).
    ///
    /// # Errors
    /// A [`Refusal`] if the end of the run could not be stored or was not accepted.
    pub fn finish<T, F, P>(
        self,
        handling: F,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Refusal>> + Send + use<T, F, P>
    where
        T: Send + 'static,
        F: Future<Output = Executed<T>> + Send + 'static,
        P: FnOnce() -> Executed<T> + Send + 'static,
    {
        DetachOnDrop::new(self.execute(handling, on_panic), spawn_on_runtime)
    }

    /// [`finish`](Self::finish) for futures that are not `Send`. A run whose caller leaves continues on the same thread,
    /// which must be an actix-web worker or inside a [`LocalSet`](tokio::task::LocalSet).
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_local<T, F, P>(
        self,
        handling: F,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Refusal>> + use<T, F, P>
    where
        T: 'static,
        F: Future<Output = Executed<T>> + 'static,
        P: FnOnce() -> Executed<T> + 'static,
    {
        DetachOnDrop::new(self.execute(handling, on_panic), spawn_on_thread)
    }

    /// If this is a recovery, polls the hook first. Then [executes](Self::execute) the handler, if it may run.
    pub(super) async fn recover_or_execute<A, T, K, KFut, H, Fut, P>(
        self,
        arguments: A,
        hook: K,
        handler: H,
        on_panic: P,
    ) -> Result<Served<T>, Refusal>
    where
        K: FnOnce(A) -> KFut,
        KFut: Future<Output = (A, Recovery<Executed<T>>)>,
        H: FnOnce(A) -> Fut,
        Fut: Future<Output = Executed<T>>,
        P: FnOnce() -> Executed<T>,
    {
        let (run, arguments) = match self.recover(arguments, hook).await {
            Recovered::MayRun(run, arguments) => (run, arguments),
            Recovered::Ended(result) => return result,
        };
        run.execute(async move { handler(arguments).await }, on_panic).await
    }

    /// If this is a recovery, polls `hook` and ends the recovery. The hook takes the arguments of the handler, and returns
    /// them with its report.
    pub(crate) async fn recover<A, T, K, F>(self, arguments: A, hook: K) -> Recovered<A, T>
    where
        K: FnOnce(A) -> F,
        F: Future<Output = (A, Recovery<Executed<T>>)>,
    {
        match self.0 {
            Claimant::Leased(run) => match run.lost_run() {
                // Boxed, because few calls are recoveries.
                Some(lost) => Box::pin(run.recover(lost, || hook(arguments))).await,
                None => Recovered::MayRun(Self(Claimant::Leased(run)), arguments),
            },
            claimant => Recovered::MayRun(Self(claimant), arguments),
        }
    }

    /// Runs the handler to its end, and stores the result. The run ends if the returned future is dropped.
    pub(crate) fn execute<T, F, P>(
        self,
        handling: F,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Refusal>> + Unpin
    where
        F: Future<Output = Executed<T>>,
        P: FnOnce() -> Executed<T>,
    {
        match self.0 {
            Claimant::Leased(run) => Either::Left(run.execute(handling, on_panic)),
            Claimant::InTransaction(run) => {
                Either::Right(Box::pin(run.execute(handling, on_panic)))
            }
        }
    }
}

/// One attempt to start.
enum Attempt {
    Started(Start),
    /// Another run of the key is active.
    InProgress,
}

/// What one claim led to.
struct Claimed {
    /// The time before the claim was sent.
    sent_at: Instant,
    /// Why the outcome of the existing record is unknown, if it is.
    reason: Option<UnknownReason>,
    attempt: Result<Attempt, Rejection>,
}

impl Claimed {
    const fn new(sent_at: Instant, attempt: Result<Attempt, Rejection>) -> Self {
        Self { sent_at, reason: None, attempt }
    }
}

impl Idempotency {
    /// Starts a call: claims its key, or finds the stored response. [`run`](Self::run) is this and [`Run::finish`] in one.
    /// While another run is active, waits as long as the policy says.
    ///
    /// Cancel safe: a claim that the store may have granted is abandoned.
    ///
    /// # Errors
    /// A [`Refusal`] if the handler must not run, and nothing can be replayed.
    pub fn start(&self, call: Call) -> impl Future<Output = Result<Start, Refusal>> + Send + use<> {
        let idempotency = self.clone();
        async move {
            let started = idempotency.start_call(&call).await;
            started.map_err(|rejection| Refusal::of(rejection, call.id, &call.extras))
        }
    }

    /// Claims the key. While another run is active, waits and claims again, as far as the policy allows it. Reports a replay
    /// or a rejection.
    pub(crate) async fn start_call(&self, call: &Call) -> Result<Start, Rejection> {
        let _tracked = self.0.runs.token();
        let mut waiter = None;
        let claimed = loop {
            // A block of its own, so that this future has no room for the result while it waits.
            let sent_at = {
                let claimed = self.attempt(call).await;
                if !matches!(claimed.attempt, Ok(Attempt::InProgress)) {
                    break claimed;
                }
                claimed.sent_at
            };
            if waiter.is_none() {
                waiter = self.enter_wait(call, sent_at);
            }
            let Some(waiter) = &mut waiter else {
                break Claimed::new(sent_at, Ok(Attempt::InProgress));
            };
            let next = waiter.next(&*self.0.store).instrument(call.span.clone());
            if !Box::pin(next).await {
                break Claimed::new(waiter.since(), Ok(Attempt::InProgress));
            }
        };
        self.report_start(call, waiter.as_deref(), &claimed);
        claimed.attempt.and_then(|attempt| match attempt {
            Attempt::Started(start) => Ok(start),
            Attempt::InProgress => Err(Rejection::InProgress),
        })
    }

    fn enter_wait(&self, call: &Call, since: Instant) -> Option<Box<Waiter>> {
        let wait = call.policy.wait?;
        self.0.waiters.enter(call.id, call.scope, since, wait).map(Box::new)
    }

    /// Reports the end of a wait, a replay and a rejection. A run reports its own end.
    fn report_start(&self, call: &Call, waiter: Option<&Waiter>, claimed: &Claimed) {
        let (watch, span, names) = (&self.0.watch, &call.span, &call.extras);
        if let Some(waiter) = waiter {
            let woken = !matches!(claimed.attempt, Ok(Attempt::InProgress));
            let took = || waiter.since().elapsed();
            watch.emit(|| Event::Wait { operation: names.operation(), took: took(), woken });
        }
        let started = Some(waiter.map_or(claimed.sent_at, Waiter::since));
        let report = CallReport { watch, span, names, record: Some(call.id), attempt: 0, started };
        match &claimed.attempt {
            Ok(Attempt::Started(Start::Run(run))) => {
                span.record("attempt", run.claim().attempt);
            }
            Ok(Attempt::Started(Start::Replay(response))) => report.replayed(response.status),
            Ok(Attempt::InProgress) => report.refused(&Rejection::InProgress, None),
            Err(rejection) => {
                report.refused(rejection, claimed.reason);
                self.explain_refusal(call, rejection);
            }
        }
    }

    /// Claims the key once.
    async fn attempt(&self, call: &Call) -> Claimed {
        // The lease is counted from before the claim is sent.
        let sent_at = Instant::now();
        if let Err(rejection) = self.check_accepting() {
            return Claimed::new(sent_at, Err(rejection));
        }
        if !self.0.run_limiter.has_place(call.scope) {
            let reading = self.record_at_run_limit(call).instrument(call.span.clone());
            return match Box::pin(reading).await {
                Ok(existing) => evaluate_existing(call, existing, sent_at),
                Err(rejection) => Claimed::new(sent_at, Err(rejection)),
            };
        }
        if let Some(slot) = &call.transaction {
            let attempt =
                self.attempt_transaction(call, slot, sent_at).instrument(call.span.clone());
            return Box::pin(attempt).await;
        }
        // A statement of its own, so that this future reserves space for the box alone.
        let retrying = match self.try_claim(call) {
            Ok(outcome) => return self.evaluate_claim(call, outcome, sent_at),
            Err(retrying) => retrying,
        };
        match retrying.await {
            Ok(outcome) => self.evaluate_claim(call, outcome, sent_at),
            Err(rejection) => Claimed::new(sent_at, Err(rejection)),
        }
    }

    fn evaluate_claim(&self, call: &Call, outcome: ClaimOutcome, sent_at: Instant) -> Claimed {
        let attempt = match outcome {
            ClaimOutcome::Acquired(claim) => self.hold(call, claim, None, sent_at),
            ClaimOutcome::Recovering(claim, lost) => self.hold(call, claim, Some(lost), sent_at),
            ClaimOutcome::AtCapacity(capacity) => Err(Rejection::TooManyKeys(capacity)),
            ClaimOutcome::Exists(existing) => return evaluate_existing(call, existing, sent_at),
        };
        Claimed::new(sent_at, attempt)
    }

    /// Holds the lease of a granted claim. `lost_run` is the run whose outcome it recovers.
    fn hold(
        &self,
        call: &Call,
        claim: Claim,
        lost_run: Option<LostRun>,
        claimed_at: Instant,
    ) -> Result<Attempt, Rejection> {
        let Call { policy, fingerprint, recoverable, .. } = *call;
        if lost_run.is_some() && !recoverable {
            self.abandon(LostClaim::acquired(claim, policy.lease), None);
            return Err(Rejection::StoreUnavailable(Some(StoreError::unknown(UnwantedRecovery))));
        }
        let Some(permit) = self.0.run_limiter.enter(call.scope) else {
            self.abandon(LostClaim::acquired(claim, policy.lease), None);
            return Err(Rejection::TooManyRuns);
        };
        let holder = LeaseHolder {
            claim,
            policy,
            fingerprint,
            recoverable,
            lost_run,
            recheck: self.0.config.recheck,
            extras: call.extras.clone(),
            span: Mutex::new(call.span.clone()),
            watch: self.0.watch.clone(),
        };
        let lease = self.0.leases.hold(holder, claimed_at);
        let run = LeasedRun::new(self, lease, permit);
        Ok(Attempt::Started(Start::Run(Run(Claimant::Leased(run)))))
    }

    /// Opens a transaction that claims the key once.
    async fn attempt_transaction(
        &self,
        call: &Call,
        slot: &TransactionSlot,
        sent_at: Instant,
    ) -> Claimed {
        let attempt = match self.open_transaction(call, slot).await {
            // If it is dropped, the transaction is rolled back, which frees the key.
            Ok(OpenOutcome::Opened(transaction)) => match self.0.run_limiter.enter(call.scope) {
                Some(permit) => {
                    let run = TransactionRun::new(self, transaction, permit, call, sent_at);
                    Ok(Attempt::Started(Start::Run(Run(Claimant::InTransaction(Box::new(run))))))
                }
                None => Err(Rejection::TooManyRuns),
            },
            Ok(OpenOutcome::AtCapacity(capacity)) => Err(Rejection::TooManyKeys(capacity)),
            Ok(OpenOutcome::Exists(existing)) => return evaluate_existing(call, existing, sent_at),
            Err(rejection) => Err(rejection),
        };
        Claimed::new(sent_at, attempt)
    }

    /// Checks that leases can be renewed, and that the process is not shutting down. Calls that a run makes
    /// in turn are part of that run, and [shutdown](crate::rules::guarantees#shutdown) waits for them.
    fn check_accepting(&self) -> Result<(), Rejection> {
        let started = self.0.leases.start();
        started.map_err(|error| Rejection::StoreUnavailable(Some(StoreError::not_done(error))))?;
        if self.0.draining.load(Ordering::SeqCst) && !Execution::is_nested() {
            return Err(Rejection::Draining);
        }
        Ok(())
    }
}

/// A claim without `recover` was reported as a recovery.
#[derive(Debug, thiserror::Error)]
#[error("the store began a recovery that was not requested")]
struct UnwantedRecovery;

fn evaluate_existing(call: &Call, existing: ExistingRecord, sent_at: Instant) -> Claimed {
    let reason = match existing.state {
        State::Unknown(reason) => Some(reason),
        _ => None,
    };
    let attempt = evaluate(Finder::Duplicate, call.request(), existing).map(|it| match it {
        Meaning::Replay(response) => Attempt::Started(Start::Replay(response)),
        Meaning::InProgress => Attempt::InProgress,
    });
    Claimed { sent_at, reason, attempt }
}
