//! The result of a store operation, ready or pending.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::detach::{InPlace, to_runtime};
use crate::model::StoreError;

/// The answer of a store: at once, or when its future is done.
///
/// A store in memory answers [at once](Self::ready) and costs no allocation; others
/// [box a future](Self::new).
#[must_use = "futures do nothing unless polled"]
pub struct StoreFuture<T>(Inner<T>);

enum Inner<T> {
    Ready(Option<Result<T, StoreError>>),
    Pending(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>),
}

impl<T> StoreFuture<T> {
    /// An answer that is there already.
    pub const fn ready(answer: Result<T, StoreError>) -> Self {
        Self(Inner::Ready(Some(answer)))
    }

    /// An answer that takes a round trip.
    pub fn new(future: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Self {
        Self(Inner::Pending(Box::pin(future)))
    }

    /// [`new`](Self::new) for a client whose connections do not survive being cut off: a future that is
    /// dropped half-way is driven to its end by the runtime of the thread that dropped it.
    pub fn uncut(future: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Self
    where
        T: Send + 'static,
    {
        Self::new(InPlace::new(future, to_runtime))
    }

    /// The answer if it is there already and no error, else the future.
    pub(crate) fn into_ok(self) -> Result<T, Self> {
        match self.0 {
            Inner::Ready(Some(Ok(answer))) => Ok(answer),
            other => Err(Self(other)),
        }
    }

    /// The answer if it is there already, else the future.
    pub(crate) fn into_ready(self) -> Result<Result<T, StoreError>, Self> {
        match self.0 {
            Inner::Ready(Some(answer)) => Ok(answer),
            pending => Err(Self(pending)),
        }
    }
}

impl<T: Send + Unpin + 'static> StoreFuture<T> {
    /// Waits for the reply up to `timeout`. A call that has not been answered by then continues on the
    /// runtime, and the result is [`StoreErrorKind::Unknown`](super::StoreErrorKind::Unknown).
    pub(crate) async fn bounded(self, timeout: Duration) -> Result<T, StoreError> {
        match self.into_ready() {
            Ok(reply) => reply,
            Err(pending) => {
                let in_place = InPlace::new(pending, to_runtime);
                tokio::time::timeout(timeout, in_place)
                    .await
                    .unwrap_or_else(|elapsed| Err(StoreError::unknown(elapsed)))
            }
        }
    }
}

impl<T: Unpin> Future for StoreFuture<T> {
    type Output = Result<T, StoreError>;

    /// # Panics
    /// If polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            #[expect(
                clippy::expect_used,
                reason = "the contract of Future, documented under # Panics"
            )]
            Inner::Ready(answer) => Poll::Ready(answer.take().expect("polled after it was ready")),
            Inner::Pending(future) => future.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for StoreFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreFuture(..)")
    }
}
