//! A future that survives cancellation: it is polled in place, and spawned as a task if the caller drops it.
//!
//! A task per request would cost every request a spawn, a wake-up and a thread hop, for the few requests
//! whose client leaves. So the work runs inside the caller's task, and only becomes a task of its own when
//! the caller drops it unfinished.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// A future that is passed to `detach` if it is dropped unfinished. It can be moved, so a large one is boxed.
pub(crate) struct DetachOnDrop<F: Future + Unpin, D: FnOnce(F)> {
    work: Option<F>,
    detach: Option<D>,
}

impl<F: Future + Unpin, D: FnOnce(F)> DetachOnDrop<F, D> {
    pub(crate) const fn new(work: F, detach: D) -> Self {
        Self { work: Some(work), detach: Some(detach) }
    }
}

/// Nothing is pinned by value: the work can be moved.
impl<F: Future + Unpin, D: FnOnce(F)> Unpin for DetachOnDrop<F, D> {}

impl<F: Future + Unpin, D: FnOnce(F)> Future for DetachOnDrop<F, D> {
    type Output = F::Output;

    /// # Panics
    /// If polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        #[expect(
            clippy::expect_used,
            reason = "the contract of Future: not polled after it was ready"
        )]
        let mut work = self.work.take().expect("polled after it was ready");
        // Taken out while it is polled: work that panics must not be detached.
        let polled = Pin::new(&mut work).poll(cx);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<F: Future + Unpin, D: FnOnce(F)> Drop for DetachOnDrop<F, D> {
    fn drop(&mut self) {
        if let (Some(work), Some(detach)) = (self.work.take(), self.detach.take()) {
            detach(work);
        }
    }
}

/// Spawns `work` on the runtime of the calling thread, on any of its workers. Outside of a runtime, logs a
/// warning and drops it.
pub(crate) fn spawn_on_runtime<F>(work: F)
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(work)),
        Err(_) => warn_no_runtime(),
    }
}

/// Spawns `work` on the calling thread, for handlers that are not `Send`. Outside of a `LocalSet` or an
/// actix-web worker, logs a warning and drops it.
pub(crate) fn spawn_on_thread<F>(work: F)
where
    F: Future + 'static,
{
    let spawn = || drop(tokio::task::spawn_local(async move { drop(work.await) }));
    // `spawn_local` panics outside of a `LocalSet`, and there is no way to check that first. A panic in a
    // destructor could abort the process.
    if catch_unwind(AssertUnwindSafe(spawn)).is_err() {
        warn_no_runtime();
    }
}

fn warn_no_runtime() {
    tracing::warn!(
        "the runtime ended during a run, so its outcome will be unknown; await `Idempotency::drain` before the runtime ends"
    );
}
