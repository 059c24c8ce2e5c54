//! The start of a guarded call: claim the key, or find out what the record under it means.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::future::Either;
use tracing::Instrument;

use super::abandon::LostClaim;
use super::duplicate::{Finder, Meaning, evaluate};
use super::execution::Execution;
use super::lease::LeaseHolder;
use super::recovery::Recovered;
use super::run::LeasedRun;
use super::served::{Executed, Served};
use super::trace::record_rejection;
use super::transaction::TransactionRun;
use super::wait::Waiter;
use super::{Call, Idempotency};
use crate::model::{
    Claim, ExistingRecord, LostRun, Recovery, Rejection, StoreError, StoredResponse,
};
use crate::store::{ClaimOutcome, OpenOutcome, TransactionSlot};

/// The next step of a guarded call that is not rejected.
pub(crate) enum Start {
    /// The key is new. The handler runs.
    Run(Run),
    /// The key is done. This is its response.
    Replay(StoredResponse),
}

/// A run whose handler has not been polled.
#[derive(Debug)]
pub(crate) enum Run {
    /// The key is claimed by a lease.
    Leased(LeasedRun),
    /// The key is claimed by an open transaction. It is boxed, because a leased run is the usual one.
    InTransaction(Box<TransactionRun>),
}

impl Run {
    /// If this is a recovery, polls the hook first. Then [executes](Self::execute) the handler, if it may run.
    pub(super) async fn recover_or_execute<A, T, K, KFut, H, Fut, P>(
        self,
        arguments: A,
        hook: K,
        handler: H,
        on_panic: P,
    ) -> Result<Served<T>, Rejection>
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
        run.execute(|_claim| handler(arguments), on_panic).await
    }

    /// If this is a recovery, polls `hook` and ends the recovery. The hook takes the arguments of the handler, and returns
    /// them with its report.
    pub(crate) async fn recover<A, T, K, F>(self, arguments: A, hook: K) -> Recovered<A, T>
    where
        K: FnOnce(A) -> F,
        F: Future<Output = (A, Recovery<Executed<T>>)>,
    {
        match self {
            Self::Leased(run) => match run.lost_run() {
                // Boxed, because few calls are recoveries.
                Some(lost) => Box::pin(run.recover(lost, || hook(arguments))).await,
                None => Recovered::MayRun(Self::Leased(run), arguments),
            },
            run @ Self::InTransaction(_) => Recovered::MayRun(run, arguments),
        }
    }

    /// Runs the handler to its end, and stores the result. The run ends if the returned future is dropped.
    pub(crate) fn execute<T, H, Fut, P>(
        self,
        handler: H,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Rejection>>
    where
        H: FnOnce(Claim) -> Fut,
        Fut: Future<Output = Executed<T>>,
        P: FnOnce() -> Executed<T>,
    {
        match self {
            Self::Leased(run) => Either::Left(run.execute(handler, on_panic)),
            Self::InTransaction(run) => Either::Right(Box::pin(run.execute(handler, on_panic))),
        }
    }
}

/// One attempt to start.
enum Attempt {
    Started(Start),
    /// Another run of the key is active.
    InProgress,
}

impl Idempotency {
    /// Claims the key. While another run is active, waits and claims again, as far as the policy allows it.
    pub(crate) async fn start(&self, call: &Call) -> Result<Start, Rejection> {
        let _tracked = self.0.runs.token();
        let started = self.start_or_wait(call).await;
        match &started {
            Ok(Start::Run(Run::Leased(run))) => call.span.record("attempt", run.claim().attempt),
            Ok(Start::Run(Run::InTransaction(_))) => call.span.record("attempt", 1),
            Ok(Start::Replay(_)) => call.span.record("outcome", "replayed"),
            Err(rejection) => {
                record_rejection(&call.span, rejection);
                return started;
            }
        };
        started
    }

    async fn start_or_wait(&self, call: &Call) -> Result<Start, Rejection> {
        let mut waiter = None;
        loop {
            if let Attempt::Started(start) = self.attempt(call).await? {
                return Ok(start);
            }
            let waiter = match &mut waiter {
                Some(waiter) => waiter,
                None => waiter.insert(self.enter_wait(call)?),
            };
            let next = waiter.next(&*self.0.store).instrument(call.span.clone());
            if !Box::pin(next).await {
                return Err(Rejection::InProgress);
            }
        }
    }

    fn enter_wait(&self, call: &Call) -> Result<Box<Waiter>, Rejection> {
        let wait = call.policy.wait.ok_or(Rejection::InProgress)?;
        self.0.waiters.enter(call.id, call.scope, wait).map(Box::new).ok_or(Rejection::InProgress)
    }

    /// Claims the key once.
    async fn attempt(&self, call: &Call) -> Result<Attempt, Rejection> {
        self.check_accepting()?;
        if !self.0.run_limiter.has_place(call.scope) {
            let reading = self.record_at_run_limit(call).instrument(call.span.clone());
            return evaluate_existing(call, Box::pin(reading).await?);
        }
        if let Some(slot) = &call.transaction {
            let attempt = self.attempt_transaction(call, slot).instrument(call.span.clone());
            return Box::pin(attempt).await;
        }
        // The lease is counted from before the claim is sent.
        let claimed_at = Instant::now();
        // A statement of its own, so that this future reserves space for the box alone.
        let retrying = match self.try_claim(call) {
            Ok(outcome) => return self.evaluate_claim(call, outcome, claimed_at),
            Err(retrying) => retrying,
        };
        let outcome = retrying.await?;
        self.evaluate_claim(call, outcome, claimed_at)
    }

    fn evaluate_claim(
        &self,
        call: &Call,
        outcome: ClaimOutcome,
        claimed_at: Instant,
    ) -> Result<Attempt, Rejection> {
        match outcome {
            ClaimOutcome::Acquired(claim) => self.hold(call, claim, None, claimed_at),
            ClaimOutcome::Recovering(claim, lost) => self.hold(call, claim, Some(lost), claimed_at),
            ClaimOutcome::Exists(existing) => evaluate_existing(call, existing),
            ClaimOutcome::AtCapacity(capacity) => Err(Rejection::TooManyKeys(capacity)),
        }
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
        let recheck = self.0.config.recheck;
        let holder = LeaseHolder { claim, policy, fingerprint, recoverable, lost_run, recheck };
        let lease = self.0.leases.hold(holder, claimed_at);
        let run = LeasedRun::new(self, lease, permit, call.span.clone());
        Ok(Attempt::Started(Start::Run(Run::Leased(run))))
    }

    /// Opens a transaction that claims the key once.
    async fn attempt_transaction(
        &self,
        call: &Call,
        slot: &TransactionSlot,
    ) -> Result<Attempt, Rejection> {
        match self.open_transaction(call, slot).await? {
            OpenOutcome::Opened(transaction) => {
                // Dropping the transaction rolls it back, which frees the key.
                let permit = self.0.run_limiter.enter(call.scope).ok_or(Rejection::TooManyRuns)?;
                let run = Box::new(TransactionRun::new(self, transaction, permit, call));
                Ok(Attempt::Started(Start::Run(Run::InTransaction(run))))
            }
            OpenOutcome::Exists(existing) => evaluate_existing(call, existing),
            OpenOutcome::AtCapacity(capacity) => Err(Rejection::TooManyKeys(capacity)),
        }
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

fn evaluate_existing(call: &Call, existing: ExistingRecord) -> Result<Attempt, Rejection> {
    Ok(match evaluate(Finder::Duplicate, call.request(), existing)? {
        Meaning::Replay(response) => Attempt::Started(Start::Replay(response)),
        Meaning::InProgress => Attempt::InProgress,
    })
}
