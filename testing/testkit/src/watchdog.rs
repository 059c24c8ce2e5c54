//! A limit for waits that would otherwise hang.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

/// A busy machine needs less. Every test of the app uses real time.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits for an event, and panics instead of hanging if it does not happen.
pub(crate) async fn watched<T>(event: &str, wait: impl Future<Output = T>) -> T {
    match timeout(LIMIT, wait).await {
        Ok(output) => output,
        Err(_) => panic!("{event} did not happen within {LIMIT:?}"),
    }
}
