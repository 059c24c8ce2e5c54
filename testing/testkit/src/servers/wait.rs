//! Waiting with a limit, so that a test that would hang fails and names what is missing.

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// The time limit for servers and stores to reach a state that a test waits for.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(30);

/// Waits for an event.
///
/// # Panics
/// If this takes longer than 30 s. The message names `event`.
pub async fn soon<T>(event: &str, wait: impl Future<Output = T>) -> T {
    match timeout(MAX_WAIT, wait).await {
        Ok(value) => value,
        Err(_) => panic!("no {event} within {MAX_WAIT:?}"),
    }
}

/// Repeats `attempt` until it returns a value.
///
/// # Panics
/// If this takes longer than 30 s. The message names `event`.
pub async fn eventually<T>(event: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let repeated = async {
        loop {
            if let Some(value) = attempt().await {
                return value;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    soon(event, repeated).await
}
