//! The lease of a run: it is renewed while the run is active, up to `max_run`.

use std::future::pending;
use std::time::Duration;

use idem_core::{MemoryStore, Policy};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::support::{AT_LEAST_ONCE, AT_MOST_ONCE, HUGE, Service, done, ran, refused, replayed};

/// Long enough for a renewal that a busy machine sends up to six seconds late.
const SHORT_LEASE: Duration = Duration::from_secs(9);

static SHORT: Policy = AT_LEAST_ONCE.with_lease(SHORT_LEASE);

#[test]
fn a_handler_that_blocks_its_thread_for_longer_than_its_lease_is_not_taken_over() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let rival = service.another_process(store);
    let handler = async move {
        std::thread::sleep(SHORT_LEASE + Duration::from_secs(1));
        let rival = std::thread::spawn(move || block_on(rival.send(&SHORT, "key", done("rival"))));
        assert_eq!(rival.join().unwrap(), refused("InProgress"));
        done("first").await
    };
    assert_eq!(block_on(service.send(&SHORT, "key", handler)), ran("first"));
    assert_eq!(block_on(service.send(&SHORT, "key", done("again"))), replayed("first"));
    assert_eq!(service.runs(), 1);
}

fn block_on<F: Future>(future: F) -> F::Output {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The handler is polled at least once, however late a busy machine is.
const SHORT_RUN: Duration = Duration::from_secs(1);
static SHORT_RUN_AT_MOST_ONCE: Policy = AT_MOST_ONCE.with_max_run(SHORT_RUN).with_wait(HUGE);
static SHORT_RUN_AT_LEAST_ONCE: Policy = AT_LEAST_ONCE.with_max_run(SHORT_RUN).with_wait(HUGE);

#[tokio::test]
async fn a_run_that_exceeds_max_run_is_cancelled_and_its_outcome_unknown() {
    for policy in [&SHORT_RUN_AT_MOST_ONCE, &SHORT_RUN_AT_LEAST_ONCE] {
        let service = Service::new(MemoryStore::new());
        let (held_by_handler, dropped) = oneshot::channel::<()>();
        let hanging = async move {
            let _held = held_by_handler;
            pending().await
        };
        assert_eq!(
            service.send(policy, "key", hanging).await,
            refused("OutcomeUnknown { retry_after: None }")
        );
        assert!(dropped.await.is_err(), "the handler's values are dropped");
        let retry = service.send(policy, "key", done("retried")).await;
        assert_eq!(
            retry,
            refused("OutcomeUnknown { retry_after: None }"),
            "the retry did not wait until the lease ended"
        );
        assert_eq!(service.runs(), 1);
    }
}
