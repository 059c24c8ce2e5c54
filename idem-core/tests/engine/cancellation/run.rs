//! Cancellation of the request that runs the handler.

use std::rc::Rc;

use idem_core::http::Executed;
use idem_core::{Drained, Policy};
use tokio::task::{LocalSet, yield_now};

use super::after_each_poll;
use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, DelayedStore, HUGE, Response, Service, ambiguous, done,
    not_executed, panicking, poll_times, ran, replayed,
};

/// The state after a request was cancelled and retried.
struct Cancelled {
    /// Whether the request had ended before.
    ended: bool,
    /// The number of runs before the retry.
    runs: usize,
    retry: Response,
    runs_with_retry: usize,
}

/// Drops a request after `polls`, waits for its run, and retries the request in another process.
async fn cancel<H>(
    store: DelayedStore,
    polls: usize,
    policy: &'static Policy,
    handler: H,
) -> Cancelled
where
    H: Future<Output = Executed<String>> + Send + 'static,
{
    let service = Service::new(store.clone());
    let ended = poll_times(service.send(policy, "key", handler), polls).await.is_some();
    retry(&service, store, policy, ended).await
}

async fn retry(
    service: &Service,
    store: DelayedStore,
    policy: &'static Policy,
    ended: bool,
) -> Cancelled {
    assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    let runs = service.runs();
    let retry = service.another_process(store).send(policy, "key", done("retried")).await;
    Cancelled { ended, runs, retry, runs_with_retry: service.runs() }
}

async fn yield_and_respond() -> Executed<String> {
    for _ in 0..4 {
        yield_now().await;
    }
    done("first").await
}

/// Asserts that the handler ran once, for the request or for its retry.
fn assert_one_run(after: &Cancelled, first: &Response) {
    match after.runs {
        0 => assert_eq!(after.retry, ran("retried"), "the key is free if the handler did not run"),
        _ => assert_eq!(after.retry, *first),
    }
    assert_eq!(after.runs_with_retry, 1);
}

/// Asserts that the retry runs, whether the first request ran or not.
fn assert_freed(after: &Cancelled) {
    assert!(after.runs <= 1);
    assert_eq!(after.retry, ran("retried"));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_stored_wherever_its_request_is_cancelled() {
    for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
        let most = after_each_poll(async |store, polls| {
            let after = cancel(store, polls, policy, yield_and_respond()).await;
            assert_one_run(&after, &replayed("first"));
            after.ended
        })
        .await;
        assert!(
            most >= 2 * (3 + 3) + 4,
            "{most} polls do not reach the end of the slowest completion"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_local_run_is_stored_wherever_its_request_is_cancelled() {
    after_each_poll(async |store, polls| {
        let handler = async {
            let not_send = Rc::new(());
            yield_now().await;
            drop(not_send);
            yield_and_respond().await
        };
        let local = LocalSet::new();
        let after = local.run_until(async {
            let service = Service::new(store.clone());
            let request = service.run_local(service.call(&AT_MOST_ONCE, "key"), handler);
            let ended = poll_times(request, polls).await.is_some();
            retry(&service, store, &AT_MOST_ONCE, ended).await
        });
        let after = after.await;
        assert_one_run(&after, &replayed("first"));
        after.ended
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_recorded_wherever_its_request_is_cancelled() {
    after_each_poll(async |store, polls| {
        let after = cancel(store, polls, &AT_MOST_ONCE, panicking()).await;
        assert_one_run(&after, &Response::Replayed(500, "panicked".to_owned()));
        after.ended
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_is_freed_wherever_its_request_is_cancelled() {
    after_each_poll(async |store, polls| {
        let refused =
            cancel(store.without_records(), polls, &AT_MOST_ONCE, not_executed("refused")).await;
        let failed =
            cancel(store.without_records(), polls, &AT_LEAST_ONCE, ambiguous("failed")).await;
        let panicked = cancel(store, polls, &AT_LEAST_ONCE, panicking()).await;
        for after in [&refused, &failed, &panicked] {
            assert_freed(after);
        }
        refused.ended && failed.ended && panicked.ended
    })
    .await;
}
