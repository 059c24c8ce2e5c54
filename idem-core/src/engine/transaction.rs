//! A run inside a transaction of the store: its record, its effects and its response are committed together
//! ([exactly once effect](crate::rules::guarantees#exactly-once-effect)). There is no lease to renew, because
//! the claim is not visible before the commit.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::time::{sleep, timeout, timeout_at};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{Instrument, Span};

use super::deadline::after;
use super::duplicate::{Finder, RequestIdentity, evaluate_stale};
use super::execution::{Execution, Unleased};
use super::report::{CallReport, RunEnd};
use super::retry::{MAX_SENDS, pause};
use super::run::caught;
use super::run_limit::RunPermit;
use super::served::{Executed, Served};
use super::warnings::Warnings;
use super::{Call, Idempotency};
use crate::model::{
    Claim, Completion, Extras, Outcome, Policy, Refusal, Rejection, StoreError, StoreErrorKind,
};
use crate::observe::Watch;
use crate::store::{OpenOutcome, StoreFuture, Transaction, TransactionSlot, Update};

/// A run whose key is claimed by an open transaction, and whose handler has not been polled.
pub(crate) struct TransactionRun {
    transaction: Box<dyn Transaction>,
    policy: &'static Policy,
    request: RequestIdentity,
    store_timeout: Duration,
    tracked: TaskTrackerToken,
    permit: RunPermit,
    span: Span,
    extras: Extras,
    watch: Watch,
    warnings: Arc<Warnings>,
    started: Instant,
    /// Counts the open transactions.
    open: TaskTrackerToken,
}

impl fmt::Debug for TransactionRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TransactionRun").field(&self.transaction).finish()
    }
}

impl Idempotency {
    /// Opens a transaction, and tries again if the store fails, within the store timeout. Nothing takes
    /// effect before the commit, so a transaction that is opened too late is dropped, which rolls it back.
    pub(super) async fn open_transaction(
        &self,
        call: &Call,
        slot: &TransactionSlot,
    ) -> Result<OpenOutcome, Rejection> {
        let store = self.0.store.transactions().ok_or(Rejection::NoTransactions)?;
        let deadline = after(Instant::now(), self.0.config.store_timeout);
        let mut sends = 0;
        loop {
            sends += 1;
            let opening = store.open(call.id, call.claim_request(&self.0.config), slot.clone());
            let error = match timeout_at(deadline.into(), opening).await {
                Ok(Ok(outcome)) => return Ok(outcome),
                Ok(Err(error)) => error,
                Err(_) => return Err(Rejection::StoreUnavailable(None)),
            };
            match error.kind() {
                StoreErrorKind::Corrupt => return Err(Rejection::RecordUnreadable(error)),
                _ if sends == MAX_SENDS => return Err(Rejection::StoreUnavailable(Some(error))),
                _ => sleep(pause(sends)).await,
            }
        }
    }
}

impl TransactionRun {
    pub(super) fn new(
        idempotency: &Idempotency,
        transaction: Box<dyn Transaction>,
        permit: RunPermit,
        call: &Call,
        started: Instant,
    ) -> Self {
        Self {
            transaction,
            policy: call.policy,
            request: call.request(),
            store_timeout: idempotency.0.config.store_timeout,
            tracked: idempotency.0.runs.token(),
            permit,
            span: call.span.clone(),
            extras: call.extras.clone(),
            watch: idempotency.0.watch.clone(),
            warnings: Arc::clone(&idempotency.0.warnings),
            started,
            open: idempotency.0.transactions.token(),
        }
    }

    pub(super) fn claim(&self) -> Claim {
        self.transaction.claim()
    }

    /// Runs the handler to its end, ends its transaction and reports the result.
    ///
    /// Not cancel safe: dropping the future rolls the transaction back. [`Idempotency::run`] therefore
    /// detaches it if its caller leaves.
    pub(super) fn execute<T, F, P>(
        self,
        handling: F,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Refusal>>
    where
        F: Future<Output = Executed<T>>,
        P: FnOnce() -> Executed<T>,
    {
        let Self { transaction, policy, request, store_timeout, tracked, permit, .. } = self;
        let Self { span, extras, watch, warnings, started, open, .. } = self;
        let report_in = span.clone();
        let run = async move {
            let Claim { id, attempt, .. } = transaction.claim();
            let execution = Execution::unleased(Unleased {
                claim: transaction.claim(),
                until: after(Instant::now(), policy.max_run),
                releases: policy.releases,
                extras: extras.clone(),
                warnings,
            });
            // The handler, with all that it holds of the transaction, is dropped before the transaction ends.
            let ended = {
                let mut context = execution.clone().into_context();
                let mut running = pin!(AssertUnwindSafe(handling).catch_unwind());
                let running = poll_fn(|cx| context.enter(|| running.as_mut().poll(cx)));
                timeout(policy.max_run, running).await
            };
            let (result, end) = match ended {
                Ok(ended) => {
                    let panicked = ended.is_err();
                    let executed = ended.unwrap_or_else(|panic| {
                        caught(execution, extras.operation(), &*panic, on_panic)
                    });
                    let end = RunEnd::in_transaction(&executed, panicked);
                    let ending = Ending { transaction, ttl: policy.ttl, store_timeout, tracked };
                    (ending.end(executed, request).await, Some(end))
                }
                Err(elapsed) => {
                    drop(transaction);
                    (Err(Rejection::NotCommitted(StoreError::not_done(elapsed))), None)
                }
            };
            let (record, started) = (Some(id), Some(started));
            let (watch, span, names) = (&watch, &report_in, &extras);
            let report = CallReport { watch, span, names, record, attempt, started };
            report.ended(&result, end);
            drop((permit, open));
            result.map_err(|rejection| Refusal::of(rejection, id, &extras))
        };
        run.instrument(span)
    }
}

/// The end of a transaction.
enum End {
    /// The handler's writes and the completion are committed.
    Commit,
    /// The handler's writes are rolled back, and the completion alone is committed.
    CommitWithoutWrites,
    /// Everything is rolled back, which frees the key.
    RollBack,
}

impl End {
    /// A success is committed. A final response with a status of 400 or above is stored without the
    /// handler's writes. Everything else leaves nothing behind.
    fn of(outcome: Outcome, completion: &Completion) -> Self {
        let status = match completion {
            Completion::Response(response) => response.status,
            Completion::NotRetained { status } => *status,
            Completion::Unknown(_) => return Self::RollBack,
        };
        match outcome {
            Outcome::Final if status < 400 => Self::Commit,
            Outcome::Final => Self::CommitWithoutWrites,
            Outcome::NotExecuted | Outcome::Ambiguous => Self::RollBack,
        }
    }
}

/// A transaction whose handler has ended.
struct Ending {
    transaction: Box<dyn Transaction>,
    ttl: Duration,
    store_timeout: Duration,
    tracked: TaskTrackerToken,
}

impl Ending {
    /// Ends the transaction as the handler's outcome requires, and returns the result for the caller.
    async fn end<T>(
        self,
        executed: Executed<T>,
        request: RequestIdentity,
    ) -> Result<Served<T>, Rejection> {
        let Executed { reply, outcome, completion } = executed;
        let ttl = self.ttl;
        let ended = match End::of(outcome, &completion) {
            End::Commit => self.bounded(|transaction| transaction.commit(completion, ttl)).await,
            End::CommitWithoutWrites => {
                self.bounded(|transaction| transaction.commit_without_writes(completion, ttl)).await
            }
            End::RollBack => {
                if let Err(error) = self.bounded(<dyn Transaction>::roll_back).await {
                    // The server rolls back by itself once it notices that the connection is gone.
                    let error = &error as &dyn Error;
                    tracing::warn!(error, "cannot confirm the rollback of a transaction");
                }
                return Ok(Served::Executed(reply));
            }
        };
        match ended {
            Ok(Update::Applied) => Ok(Served::Executed(reply)),
            Ok(Update::Stale(existing)) => {
                let accepted = evaluate_stale(Finder::StaleTransaction, request, existing);
                accepted.map(Served::Replayed)
            }
            Err(error) => Err(Rejection::NotCommitted(error)),
        }
    }

    /// Waits for the end of the transaction up to twice the store timeout: a store that lost the reply may
    /// wait that long itself before it can look up the result. After that the reply counts as lost. The call
    /// still continues, and [`drain`](Idempotency::drain) waits for it.
    async fn bounded<T>(
        self,
        end: impl FnOnce(Box<dyn Transaction>) -> StoreFuture<T>,
    ) -> Result<T, StoreError>
    where
        T: Send + Unpin + 'static,
    {
        let Self { transaction, store_timeout, tracked, .. } = self;
        let ending = end(transaction);
        let ending = StoreFuture::new(async move {
            let reply = ending.await;
            drop(tracked);
            reply
        });
        ending.bounded(store_timeout.saturating_mul(2)).await
    }
}
