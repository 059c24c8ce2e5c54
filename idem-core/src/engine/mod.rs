//! The engine: claim, execute, store (DESIGN section 4).

mod begin;
mod borrowed;
mod builder;
mod call;
mod claim;
mod drain;
mod execution;
mod keeper;
mod run;
mod settle;
mod transact;
mod wait;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use futures_util::future::Either;
use tokio_util::task::TaskTracker;
use tracing::field::Empty;
use tracing::info_span;

use crate::http::problem;
use crate::model::{Claim, Rejection, StoredResponse};
use crate::store::IdempotencyStore;

pub use builder::IdempotencyBuilder;
pub use call::{Call, CallBuilder};
pub use drain::Drained;
pub use execution::Execution;
pub use run::{Executed, Served};

use crate::detach::{InPlace, to_runtime, to_this_thread};
use builder::Config;
use keeper::Keeper;
use wait::WaitingRoom;

/// The handle that guarded handlers work through: a store and how it is used. Cloning is cheap and
/// shares everything.
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
    keeper: Keeper,
    runs: TaskTracker,
    waiting: WaitingRoom,
    draining: AtomicBool,
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency").field("store", &self.0.store).finish_non_exhaustive()
    }
}

impl Idempotency {
    /// Answers a call: runs `handler` if the key is new, replays its answer if it is done, refuses
    /// otherwise. `on_panic` is what a panic of the handler is recorded as.
    ///
    /// Cancel safe: a run that began goes on when this future is dropped, on the runtime of the thread
    /// that dropped it, and its answer is stored (R33). So a timeout around this does not cut it off.
    ///
    /// # Errors
    /// A [`Rejection`] if the handler was not run and nothing could be replayed, or if how it ended could
    /// not be established.
    pub fn run<T, H, Fut, P>(
        &self,
        call: Call,
        handler: H,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Rejection>> + Send + use<T, H, Fut, P>
    where
        T: Send + 'static,
        H: FnOnce(Claim) -> Fut + Send + 'static,
        Fut: Future<Output = Executed<T>> + Send + 'static,
        P: FnOnce() -> Executed<T> + Send + 'static,
    {
        let engine = self.clone();
        async move {
            let running = match engine.begin(&call).await?.execute(handler, on_panic) {
                Either::Left(answer) => return Ok(Served::Replayed(answer)),
                Either::Right(running) => InPlace::new(running, to_runtime),
            };
            running.await
        }
    }

    /// [`run`](Self::run) for handlers that are not `Send`: a run whose caller leaves goes on on this
    /// thread, which must be an actix worker or drive a `LocalSet`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_local<T, H, Fut, P>(
        &self,
        call: Call,
        handler: H,
        on_panic: P,
    ) -> impl Future<Output = Result<Served<T>, Rejection>> + use<T, H, Fut, P>
    where
        T: 'static,
        H: FnOnce(Claim) -> Fut + 'static,
        Fut: Future<Output = Executed<T>> + 'static,
        P: FnOnce() -> Executed<T> + 'static,
    {
        let engine = self.clone();
        async move {
            let running = match engine.begin(&call).await?.execute(handler, on_panic) {
                Either::Left(answer) => return Ok(Served::Replayed(answer)),
                Either::Right(running) => InPlace::new(running, to_this_thread),
            };
            running.await
        }
    }

    /// The lower-case name of the header that carries the key.
    pub fn header(&self) -> &str {
        &self.0.config.header
    }

    /// The largest response body that is kept, in bytes.
    pub fn max_response(&self) -> usize {
        self.0.config.max_response
    }

    /// How long a caller that is told to come again should stay away, where nothing better is known.
    pub(crate) fn retry_after(&self) -> Duration {
        self.0.config.retry_after
    }

    /// The problem document for a request that was refused before it became a [`Call`], with a span that
    /// tells of it.
    pub fn refuse(&self, rejection: &Rejection) -> StoredResponse {
        run::report(&info_span!("idempotent", outcome = Empty), rejection);
        self.problem(rejection)
    }

    /// The problem document for a rejection that [`run`](Self::run) returned.
    pub fn problem(&self, rejection: &Rejection) -> StoredResponse {
        let config = &self.0.config;
        problem::document(rejection, &config.problem_base, config.retry_after, &config.header)
    }
}

/// `from` and `by` later; a time so far off that clocks cannot hold it is as good as thirty years.
fn after(from: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from.checked_add(by).unwrap_or(from + FAR)
}
