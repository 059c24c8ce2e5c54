//! The reply to a store operation, ready or pending.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::detach::{DetachOnDrop, spawn_on_runtime};
use crate::model::StoreError;

/// The reply of a store, ready or pending.
///
/// A store in memory returns [ready](Self::ready) replies, which need no allocation. Other stores
/// [box a future](Self::new).
#[must_use = "futures do nothing unless polled"]
pub struct StoreFuture<T>(Inner<T>);

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

enum Inner<T> {
    Ready(Option<Result<T, StoreError>>),
    Pending(Boxed<T>),
    Uncut(DetachOnDrop<Boxed<T>, fn(Boxed<T>)>),
}

impl<T> StoreFuture<T> {
    /// Makes a reply that is ready.
    pub const fn ready(reply: Result<T, StoreError>) -> Self {
        Self(Inner::Ready(Some(reply)))
    }

    /// Makes a pending reply from a future, which is boxed.
    pub fn new(future: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Self {
        Self(Inner::Pending(Box::pin(future)))
    }

    /// [`new`](Self::new) for a client whose connections do not survive a cancelled call. If the reply is
    /// dropped while it is pending, the runtime of the dropping thread drives `future` to its end.
    pub fn uncut(future: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Self
    where
        T: Send + 'static,
    {
        Self(Inner::Uncut(DetachOnDrop::new(Box::pin(future), spawn_on_runtime)))
    }

    /// Returns the value if the reply is ready and successful, or else the unchanged reply.
    pub(crate) fn into_ok(self) -> Result<T, Self> {
        match self.0 {
            Inner::Ready(Some(Ok(value))) => Ok(value),
            other => Err(Self(other)),
        }
    }

    /// Returns the result if the reply is ready, or else the pending reply.
    pub(crate) fn into_ready(self) -> Result<Result<T, StoreError>, Self> {
        match self.0 {
            Inner::Ready(Some(result)) => Ok(result),
            pending => Err(Self(pending)),
        }
    }
}

impl<T: Send + Unpin + 'static> StoreFuture<T> {
    /// Waits for the reply up to `timeout`. After that, the call continues on the runtime, and the result is
    /// an error of kind [`Unknown`](super::StoreErrorKind::Unknown).
    pub(crate) async fn bounded(self, timeout: Duration) -> Result<T, StoreError> {
        match self.into_ready() {
            Ok(reply) => reply,
            Err(pending) => {
                let reply = DetachOnDrop::new(pending, spawn_on_runtime);
                tokio::time::timeout(timeout, reply)
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
            Inner::Ready(result) => Poll::Ready(result.take().expect("polled after it was ready")),
            Inner::Pending(future) => future.as_mut().poll(cx),
            Inner::Uncut(future) => Pin::new(future).poll(cx),
        }
    }
}

impl<T> fmt::Debug for StoreFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreFuture(..)")
    }
}
