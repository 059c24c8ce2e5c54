//! Work that its caller cannot cut off: polled in place, handed to the runtime when dropped.
//!
//! A task per request would cost a spawn, a wake-up and a hop between threads on every request, for the
//! sake of the few whose client leaves (PERFORMANCE section 7). So the work runs inside the caller's
//! task, and only when that drops it, half-way, does the rest of it become a task.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// See the [module](self).
pub(crate) struct InPlace<F: Future, D: FnOnce(Pin<Box<F>>)> {
    work: Option<Pin<Box<F>>>,
    detach: Option<D>,
}

impl<F: Future, D: FnOnce(Pin<Box<F>>)> InPlace<F, D> {
    pub(crate) fn new(work: F, detach: D) -> Self {
        Self { work: Some(Box::pin(work)), detach: Some(detach) }
    }
}

/// Nothing is pinned by value: the work sits in its own box.
impl<F: Future, D: FnOnce(Pin<Box<F>>)> Unpin for InPlace<F, D> {}

impl<F: Future, D: FnOnce(Pin<Box<F>>)> Future for InPlace<F, D> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        #[expect(
            clippy::expect_used,
            reason = "the contract of Future: not polled after it was ready"
        )]
        let mut work = self.work.take().expect("polled after it was ready");
        // Taken out while it is polled: if it panics there is no rest that could be handed over.
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<F: Future, D: FnOnce(Pin<Box<F>>)> Drop for InPlace<F, D> {
    fn drop(&mut self) {
        if let (Some(work), Some(detach)) = (self.work.take(), self.detach.take()) {
            detach(work);
        }
    }
}

/// Hands work over to the runtime of the calling thread, on any of its workers.
pub(crate) fn to_runtime<F>(work: F)
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(work)),
        Err(_) => warn_no_runtime(),
    }
}

/// Hands work over to the calling thread, for handlers that are not `Send`. Needs a `LocalSet` or an
/// actix worker around it.
pub(crate) fn to_this_thread<F>(work: F)
where
    F: Future + 'static,
{
    let spawn = || drop(tokio::task::spawn_local(async move { drop(work.await) }));
    // A thread cannot be asked beforehand, and a panic out of a drop may abort the process.
    if catch_unwind(AssertUnwindSafe(spawn)).is_err() {
        warn_no_runtime();
    }
}

fn warn_no_runtime() {
    tracing::warn!(
        "the runtime went away under a run: its outcome will be unknown; await `Idempotency::drain` before the runtime ends"
    );
}
