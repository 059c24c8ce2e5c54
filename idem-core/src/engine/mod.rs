//! The engine: it claims the key, runs the handler and stores the result
//! ([order of work](crate::rules::semantics#order-of-work)).
//!
//! A call passes through `call` (identity), `start` (claim, or the meaning of an existing record), `run` or
//! `transaction` (the handler) and `settle` (the end). Beside them, `lease` renews what is claimed, `wait`
//! holds duplicates and `drain` ends the process.

mod abandon;
mod activity;
mod call;
mod claim;
mod config;
mod confirm;
mod counts;
mod deadline;
mod drain;
mod duplicate;
mod execution;
mod health;
mod late;
mod lease;
mod lookup;
mod mismatch;
mod operations;
mod recovery;
mod refusals;
mod report;
mod retry;
mod run;
mod run_limit;
mod served;
mod settle;
mod start;
mod status;
mod trace;
mod transaction;
mod unit_test;
mod wait;
mod warnings;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::task::TaskTracker;

pub use activity::Activity;
pub use call::{Call, CallBuilder};
pub use config::IdempotencyBuilder;
pub use confirm::LeaseLost;
pub use drain::Drained;
pub use execution::Execution;
pub(crate) use execution::{keeps_failure, log_stream, outcome_of_status};
pub use health::{Health, HealthStatus, StoreHealth};
pub(crate) use recovery::Recovered;
pub use served::{Executed, Served};
pub use start::{Run, Start};
pub use status::KeyStatus;

use crate::detach::{DetachOnDrop, spawn_on_runtime, spawn_on_thread};
use crate::http::ResponseRules;
use crate::model::{Claim, Recovery, Refusal};
use crate::observe::Watch;
use crate::store::IdempotencyStore;
use config::Config;
use health::HealthCache;
use lease::LeaseManager;
use run_limit::RunLimiter;
use wait::WaitLimiter;
use warnings::Warnings;

/// The handle through which guarded handlers use a store. Cloning is cheap, and clones share everything.
///
/// ```
/// use idem_core::{Idempotency, MemoryStore};
///
/// let idempotency = Idempotency::new(MemoryStore::new());
/// ```
#[derive(Clone)]
pub struct Idempotency(Arc<Engine>);

struct Engine {
    store: Arc<dyn IdempotencyStore>,
    config: Config,
    leases: LeaseManager,
    /// Counts starts, runs and their ends, so that `drain` can wait for them.
    runs: TaskTracker,
    /// Counts lost claims that are being abandoned.
    abandonments: TaskTracker,
    waiters: WaitLimiter,
    run_limiter: RunLimiter,
    draining: AtomicBool,
    watch: Watch,
    warnings: Arc<Warnings>,
    health: HealthCache,
    /// Counts open transactions.
    transactions: TaskTracker,
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency").field("store", &self.0.store).finish_non_exhaustive()
    }
}

impl Idempotency {
    /// Serves a call: runs `handler` if the key is new, replays the stored response if the key is done, and
    /// returns a rejection otherwise. `on_panic` returns the result that a panic of the handler counts as.
    ///
    /// Cancel safe: if this future is dropped, a started run continues on the runtime of the dropping thread,
    /// and its result is stored ([client disconnect](crate::rules::semantics#client-disconnect)). A timeout
    /// around this future therefore does not cancel the run.
    ///
    /// # Errors
    /// A [`Refusal`] if the handler did not run and nothing could be replayed, or if the end of the run
    /// could not be stored or was not accepted.
    pub fn run<T, H, Fut, P>(
        &self,
        call: Call,
        handler: H,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Refusal>> + Send + use<T, H, Fut, P>
    where
        T: Send + 'static,
        H: FnOnce(Claim) -> Fut + Send + 'static,
        Fut: Future<Output = Executed<T>> + Send + 'static,
        P: FnOnce() -> Executed<T> + Send + 'static,
    {
        self.clone().start_and_run(call, |run| {
            let handling = handling(run.claim(), handler);
            run.finish(handling, on_panic)
        })
    }

    /// [`run`](Self::run) for handlers that are not `Send`. A run whose caller leaves continues on the same
    /// thread, which must be an actix-web worker or inside a [`LocalSet`](tokio::task::LocalSet).
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_local<T, H, Fut, P>(
        &self,
        call: Call,
        handler: H,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Refusal>> + use<T, H, Fut, P>
    where
        T: 'static,
        H: FnOnce(Claim) -> Fut + 'static,
        Fut: Future<Output = Executed<T>> + 'static,
        P: FnOnce() -> Executed<T> + 'static,
    {
        self.clone().start_and_run(call, |run| {
            let handling = handling(run.claim(), handler);
            run.finish_local(handling, on_panic)
        })
    }

    /// [`run`](Self::run) for a handler that borrows from its caller and therefore cannot outlive it.
    ///
    /// Not cancel safe: dropping this future during the run has the effect of a crash. The lease is not
    /// renewed any more. Once it is over, the outcome is unknown (at most once) or the next call runs the
    /// handler again (at least once). To protect the run from its caller, spawn the whole call as a task. If
    /// the handler has ended, its end is stored in any case.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_borrowed<T, H, Fut, P>(
        &self,
        call: Call,
        handler: H,
        on_panic: P,
    ) -> Result<Served<T>, Refusal>
    where
        H: FnOnce(Claim) -> Fut,
        Fut: Future<Output = Executed<T>>,
        P: FnOnce() -> Executed<T>,
    {
        self.clone()
            .start_and_run(call, |run| {
                let handling = handling(run.claim(), handler);
                run.execute(handling, on_panic)
            })
            .await
    }

    /// [`run`](Self::run) for a handler with `recover`. `arguments` are lent to `hook` if the outcome of an earlier run
    /// is unknown, and moved into `handler` if that one may run.
    ///
    /// The hook returns the arguments with its report. It is subject to the same lease and limits as the handler, and like
    /// the handler it continues if this future is dropped.
    ///
    /// # Errors
    /// As [`run`](Self::run), and [`Rejection::OutcomeUnknown`](crate::Rejection::OutcomeUnknown) if the hook could not
    /// determine the outcome.
    pub fn run_recoverable<A, T, K, KFut, H, Fut, P>(
        &self,
        call: Call,
        arguments: A,
        hook: K,
        handler: H,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Refusal>> + Send + use<A, T, K, KFut, H, Fut, P>
    where
        A: Send + 'static,
        T: Send + 'static,
        K: FnOnce(A) -> KFut + Send + 'static,
        KFut: Future<Output = (A, Recovery<Executed<T>>)> + Send + 'static,
        H: FnOnce(A) -> Fut + Send + 'static,
        Fut: Future<Output = Executed<T>> + Send + 'static,
        P: FnOnce() -> Executed<T> + Send + 'static,
    {
        self.clone().start_and_run(call.recoverable(), |run| {
            let running = run.recover_or_execute(arguments, hook, handler, on_panic);
            DetachOnDrop::new(Box::pin(running), spawn_on_runtime)
        })
    }

    /// [`run_recoverable`](Self::run_recoverable) for handlers that are not `Send`, like [`run_local`](Self::run_local).
    ///
    /// # Errors
    /// As [`run_recoverable`](Self::run_recoverable).
    pub fn run_recoverable_local<A, T, K, KFut, H, Fut, P>(
        &self,
        call: Call,
        arguments: A,
        hook: K,
        handler: H,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Refusal>> + use<A, T, K, KFut, H, Fut, P>
    where
        A: 'static,
        T: 'static,
        K: FnOnce(A) -> KFut + 'static,
        KFut: Future<Output = (A, Recovery<Executed<T>>)> + 'static,
        H: FnOnce(A) -> Fut + 'static,
        Fut: Future<Output = Executed<T>> + 'static,
        P: FnOnce() -> Executed<T> + 'static,
    {
        self.clone().start_and_run(call.recoverable(), |run| {
            let running = run.recover_or_execute(arguments, hook, handler, on_panic);
            DetachOnDrop::new(Box::pin(running), spawn_on_thread)
        })
    }

    /// Starts a call. If nothing is replayed, awaits the run that `execute` returns.
    #[expect(clippy::manual_async_fn, reason = "an `async fn` has room for its arguments twice")]
    fn start_and_run<T, E, F>(
        self,
        call: Call,
        execute: E,
    ) -> impl Future<Output = Result<Served<T>, Refusal>>
    where
        E: FnOnce(Run) -> F,
        F: Future<Output = Result<Served<T>, Refusal>>,
    {
        async move {
            let running = match self.start_call(&call).await {
                Ok(Start::Run(run)) => execute(run),
                Ok(Start::Replay(response)) => return Ok(Served::Replayed(response)),
                Err(rejection) => return Err(Refusal::of(rejection, call.id, &call.extras)),
            };
            running.await
        }
    }

    /// Returns the observers.
    pub(crate) fn watch(&self) -> &Watch {
        &self.0.watch
    }

    /// Returns the store.
    pub(crate) fn store(&self) -> &Arc<dyn IdempotencyStore> {
        &self.0.store
    }

    /// Returns the lower-case name of the header that carries the key.
    pub fn header(&self) -> &str {
        &self.0.config.header
    }

    /// Returns the size of the largest response body that is stored, in bytes.
    pub fn max_response(&self) -> usize {
        self.0.config.responses.max_response
    }

    /// Returns the settings for the responses of handlers.
    pub fn response_rules(&self) -> &ResponseRules {
        &self.0.config.responses
    }

    /// Returns whether responses [repeat the key header](IdempotencyBuilder::echo_key).
    pub fn echoes_key(&self) -> bool {
        self.0.config.echoes_key
    }

    /// Returns the names of the headers that can carry the key, in lower case: [`header`](Self::header) and its
    /// [aliases](IdempotencyBuilder::header_aliases).
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        let config = &self.0.config;
        std::iter::once(&*config.header).chain(config.header_aliases.iter().map(|name| &**name))
    }

    /// Returns the default `Retry-After` delay.
    pub(crate) fn retry_after(&self) -> Duration {
        self.0.config.retry_after
    }
}

/// The handler as a future, so that a panic before its first await point is one of the handler too.
async fn handling<H, F, T>(claim: Claim, handler: H) -> Executed<T>
where
    H: FnOnce(Claim) -> F,
    F: Future<Output = Executed<T>>,
{
    handler(claim).await
}
