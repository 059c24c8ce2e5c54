//! Applies a fault to one call.

use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use idem_core::store::{StoreError, StoreFuture};

use super::faults::Faults;
use super::kind::Kind;
use super::plan::Fault;

/// Sends a call once, unless `fault` prevents it. A call that is not sent is dropped; dropping the end of a
/// transaction rolls it back.
pub(super) fn inject<T>(
    fault: Option<Fault>,
    faults: &Faults,
    send: impl FnOnce() -> StoreFuture<T> + Send + 'static,
) -> StoreFuture<T>
where
    T: Send + Unpin + 'static,
{
    match fault {
        None | Some(Fault::Twice) => send(),
        Some(Fault::Down) => {
            StoreFuture::ready(Err(StoreError::not_done("injected: the store is down")))
        }
        Some(Fault::Hang) => StoreFuture::new(pending()),
        Some(Fault::LostReply) => {
            then(send(), |_| Err(StoreError::unknown("injected: the reply was lost")))
        }
        Some(Fault::NoReply) => {
            let sent = then(send(), Ok);
            StoreFuture::new(async move {
                drop(sent.await);
                pending().await
            })
        }
        Some(Fault::Late) => {
            let held = faults.hold();
            StoreFuture::new(async move {
                held.await;
                send().await
            })
        }
    }
}

/// Counts the reply when it arrives.
pub(super) fn counted<T>(reply: StoreFuture<T>, faults: &Faults, kind: Kind) -> StoreFuture<T>
where
    T: Send + Unpin + 'static,
{
    let faults = faults.clone();
    then(reply, move |reply| {
        faults.count_reply(kind);
        reply
    })
}

/// Maps a reply. A reply that is ready is mapped immediately, so the returned future is ready too.
pub(super) fn then<T, U>(
    mut reply: StoreFuture<T>,
    map: impl FnOnce(Result<T, StoreError>) -> Result<U, StoreError> + Send + 'static,
) -> StoreFuture<U>
where
    T: Send + Unpin + 'static,
{
    let polled = pin!(&mut reply).poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(reply) => StoreFuture::ready(map(reply)),
        Poll::Pending => StoreFuture::new(async move { map(reply.await) }),
    }
}
