//! Calls that are dropped before they end.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

/// Polls a call up to `polls` times and then drops it. Returns whether it completed before.
pub async fn dropped_after<T>(polls: usize, call: impl Future<Output = T>) -> bool {
    let mut call = pin!(call);
    for _ in 0..polls {
        if call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return true;
        }
        // The connection makes progress meanwhile, so that each poll sees another moment.
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    false
}
