//! A limit for waits that would otherwise hang.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// In real time. A paused clock runs ahead whenever the test waits.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits for an event, and fails instead of hanging if it does not happen.
pub(crate) async fn watched<T>(event: &str, wait: impl Future<Output = T>) -> T {
    let (limit, reached) = oneshot::channel::<()>();
    let (_happened, happens) = mpsc::channel::<()>();
    thread::spawn(move || {
        let _until_the_end = limit;
        happens.recv_timeout(LIMIT)
    });
    tokio::select! {
        biased;
        output = wait => output,
        _ = reached => panic!("{event} did not happen within {LIMIT:?}"),
    }
}
