//! Runs that borrow from their caller, and so end when it leaves.

use std::future::Future;

use tracing::Instrument;

use super::begin::Begun;
use super::run::{Executed, Served};
use super::{Call, Idempotency};
use crate::record::Claim;
use crate::rejection::Rejection;

impl Idempotency {
    /// [`run`](Self::run) for a handler that borrows from its caller, and so cannot outlive it.
    ///
    /// Not cancel safe: dropped in mid-run, it leaves what a crash leaves. Its lease is renewed no more,
    /// and once it lapses the outcome is unknown (at most once) or the next call runs again (at least
    /// once). To be out of reach of the caller, spawn the whole call. An end that the handler has reached
    /// is stored all the same.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_borrowed<T, H, Fut, P>(
        &self,
        call: Call,
        handler: H,
        on_panic: P,
    ) -> Result<Served<T>, Rejection>
    where
        H: FnOnce(Claim) -> Fut,
        Fut: Future<Output = Executed<T>>,
        P: FnOnce() -> Executed<T>,
    {
        match self.begin(&call).await? {
            Begun::Replay(answer) => Ok(Served::Replayed(answer)),
            Begun::Run(run) => {
                let span = run.span.clone();
                run.execute(handler, on_panic).instrument(span).await
            }
        }
    }
}
