//! Runs that borrow from their caller, and so end when it leaves.

use std::future::Future;

use futures_util::future::Either;

use super::run::{Executed, Served};
use super::{Call, Idempotency};
use crate::model::{Claim, Rejection};

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
        match self.begin(&call).await?.execute(handler, on_panic) {
            Either::Left(answer) => Ok(Served::Replayed(answer)),
            Either::Right(running) => running.await,
        }
    }
}
