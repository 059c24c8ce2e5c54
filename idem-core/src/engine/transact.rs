//! A run inside a transaction of the store: its record, its effects and its answer become true together
//! (P5). There is no lease to keep, since nobody sees the claim before the end.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::time::{sleep, timeout, timeout_at};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Span;

use super::execution::Execution;
use super::run::{Executed, Served, accepted_answer, answered, panic_text};
use super::{Call, Idempotency, after};
use crate::model::{
    Claim, Completion, Fingerprint, Outcome, Policy, Rejection, State, StoreError, StoreErrorKind,
};
use crate::store::{OpenOutcome, StoreFuture, Transaction, TransactionSlot, Update};

/// How often a transaction is begun before the request is refused.
const BEGINS: u32 = 3;

/// A transaction that is open and whose handler has not been polled.
pub(super) struct Transacting {
    transaction: Box<dyn Transaction>,
    policy: &'static Policy,
    fingerprint: Option<Fingerprint>,
    store_timeout: Duration,
    tracked: TaskTrackerToken,
    pub(super) span: Span,
}

impl Idempotency {
    /// Takes a transaction that was opened for `call`.
    pub(super) fn transacting(
        &self,
        transaction: Box<dyn Transaction>,
        call: &Call,
        tracked: TaskTrackerToken,
    ) -> Transacting {
        let (policy, fingerprint, span) = (call.policy, call.fingerprint, call.span.clone());
        let store_timeout = self.0.config.store_timeout;
        Transacting { transaction, policy, fingerprint, store_timeout, tracked, span }
    }

    /// Opens a transaction, again if the store fails, within the store timeout. Nothing is true before it
    /// is committed, so one whose answer comes too late is rolled back where it is dropped.
    pub(super) async fn open(
        &self,
        call: &Call,
        slot: &TransactionSlot,
    ) -> Result<OpenOutcome, Rejection> {
        let power = self.0.store.transactions().ok_or(Rejection::NoTransactions)?;
        let deadline = after(Instant::now(), self.0.config.store_timeout);
        let mut begins = 0;
        loop {
            begins += 1;
            let opening = power.open(call.id, call.claim_request(), slot.clone());
            let error = match timeout_at(deadline.into(), opening).await {
                Ok(Ok(opened)) => return Ok(opened),
                Ok(Err(error)) => error,
                Err(_) => return Err(Rejection::StoreUnavailable(None)),
            };
            match error.kind() {
                StoreErrorKind::Corrupt => return Err(Rejection::RecordUnreadable(error)),
                _ if begins == BEGINS => return Err(Rejection::StoreUnavailable(Some(error))),
                _ => {}
            }
            let longest_pause = Duration::from_millis(20 << begins);
            sleep(longest_pause.mul_f64(rand::random_range(0.5..1.0))).await;
        }
    }
}

/// What the end of a handler does to its transaction (R21).
enum End {
    Commit,
    Refuse,
    RollBack,
}

impl End {
    /// Success is committed. A refusal is an answer too, but nothing of it was meant to happen. All else
    /// leaves nothing behind.
    fn of(outcome: Outcome, completion: &Completion) -> Self {
        let status = match completion {
            Completion::Response(answer) => answer.status,
            Completion::NotRetained { status } => *status,
            Completion::Unknown => return Self::RollBack,
        };
        match outcome {
            Outcome::Final if status < 400 => Self::Commit,
            Outcome::Final => Self::Refuse,
            Outcome::NotExecuted | Outcome::Ambiguous => Self::RollBack,
        }
    }
}

impl Transacting {
    /// Runs the handler to its end and ends its transaction. As with every run, the engine polls it in place
    /// and hands the rest to the runtime if its caller goes.
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
        let Self { transaction, policy, fingerprint, store_timeout, tracked, span } = self;
        async move {
            let claim = transaction.claim();
            // The handler is dropped before its transaction ends, with all that it has of it.
            let ended = {
                let execution = Execution::of(claim);
                let running = AssertUnwindSafe(async move { handler(claim).await }).catch_unwind();
                let mut running = pin!(running);
                let running = poll_fn(|cx| execution.enter(|| running.as_mut().poll(cx)));
                timeout(policy.max_run, running).await
            };
            let executed = match ended {
                Ok(Ok(executed)) => executed,
                Ok(Err(panic)) => {
                    let panic = panic_text(&*panic);
                    tracing::error!(record = %claim.id, panic, "the handler panicked");
                    on_panic()
                }
                Err(elapsed) => {
                    drop(transaction);
                    let error = StoreError::not_done(elapsed);
                    return answered(&span, Err(Rejection::NotCommitted(error)));
                }
            };
            let ending = Ending { transaction, ttl: policy.ttl, store_timeout, tracked };
            let served = ending.serve(executed, fingerprint).await;
            answered(&span, served)
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
    /// Ends the transaction as the handler's outcome says, and tells its caller what became of it.
    async fn serve<T>(
        self,
        Executed { reply, outcome, completion }: Executed<T>,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Served<T>, Rejection> {
        let ttl = self.ttl;
        let ended = match End::of(outcome, &completion) {
            End::Commit => self.end(|transaction| transaction.commit(completion, ttl)).await,
            End::Refuse => self.end(|transaction| transaction.refuse(completion, ttl)).await,
            End::RollBack => {
                if let Err(error) = self.end(<dyn Transaction>::roll_back).await {
                    // The server does the same once it notices that nobody is there.
                    let error = &error as &dyn Error;
                    tracing::warn!(error, "cannot say that a transaction is rolled back");
                }
                return Ok(Served::Executed(reply));
            }
        };
        match ended {
            Ok(Update::Applied) => Ok(Served::Executed(reply)),
            Ok(Update::Stale(standing)) => match standing.as_deref() {
                Some(existing) if existing.state == State::Running => Err(Rejection::InProgress),
                _ => accepted_answer(standing, fingerprint),
            },
            Err(error) => Err(Rejection::NotCommitted(error)),
        }
    }

    /// Waits for the end within twice the store timeout, since a store that lost the reply may itself wait
    /// that long before it can look what became of it; no answer by then is a lost one. The end goes on all
    /// the same, and shutdown waits for it.
    async fn end<T>(
        self,
        end: impl FnOnce(Box<dyn Transaction>) -> StoreFuture<T>,
    ) -> Result<T, StoreError>
    where
        T: Send + Unpin + 'static,
    {
        let Self { transaction, store_timeout, tracked, .. } = self;
        let ending = end(transaction);
        let ending = StoreFuture::new(async move {
            let answer = ending.await;
            drop(tracked);
            answer
        });
        ending.bounded(store_timeout.saturating_mul(2)).await
    }
}
