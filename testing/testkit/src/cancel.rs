//! Calls that are dropped half-way.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

/// Polls a call so often and drops it, wherever it is then; tells whether it was done before.
pub async fn dropped_after<T>(polls: usize, call: impl Future<Output = T>) -> bool {
    let mut call = pin!(call);
    for _ in 0..polls {
        if call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return true;
        }
        // Lets its connection move on, so that polls are those of different moments.
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    false
}
