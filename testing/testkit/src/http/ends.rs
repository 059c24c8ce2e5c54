//! The ends of runs that are on their way to the store.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use idem_core::store::StoreFuture;
use tokio::sync::watch;

/// The calls that end a run and that a store server has not answered. All servers of one service share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends(Arc<watch::Sender<usize>>);

/// A call without an answer. It is counted until this value is dropped.
struct Unanswered(Arc<watch::Sender<usize>>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls -= 1);
    }
}

impl Ends {
    /// Waits until the server has answered all calls. The caller of a run waits for its end for two seconds only, and a busy
    /// server can need longer. A duplicate that is sent earlier is refused, because the run is still in progress.
    pub(crate) async fn stored(&self) {
        let mut calls = self.0.subscribe();
        // It fails only if the sender is dropped, and `self` owns it.
        drop(calls.wait_for(|calls| *calls == 0).await);
    }

    /// Counts a call until it is answered. A reply that is ready stays ready, so memory stores have no such calls.
    pub(crate) fn track<T: Send + Unpin + 'static>(
        &self,
        mut reply: StoreFuture<T>,
    ) -> StoreFuture<T> {
        let polled = Pin::new(&mut reply).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(reply) = polled {
            return StoreFuture::ready(reply);
        }
        self.0.send_modify(|calls| *calls += 1);
        let call = Unanswered(Arc::clone(&self.0));
        StoreFuture::new(async move {
            let reply = reply.await;
            drop(call);
            reply
        })
    }
}
