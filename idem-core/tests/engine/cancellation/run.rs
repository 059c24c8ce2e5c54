//! The request that runs the handler is cut off.

use std::rc::Rc;

use idem_core::http::Executed;
use idem_core::{Drained, Policy};
use tokio::task::{LocalSet, yield_now};

use super::at_every_poll;
use crate::support::{
    AGAIN, HUGE, ONCE, Remote, Seen, Service, ambiguous, done, not_executed, panicking, polled,
    ran, replayed,
};

/// What came of a request that was cut off, and of its retry.
struct Aftermath {
    ended: bool,
    runs: usize,
    retry: Seen,
    runs_in_all: usize,
}

/// Cuts a request after `polls`, lets what it left behind come to rest, and retries it in another process.
async fn cut<H>(store: Remote, polls: usize, policy: &'static Policy, handler: H) -> Aftermath
where
    H: Future<Output = Executed<String>> + Send + 'static,
{
    let service = Service::new(store.clone());
    let ended = polled(service.send(policy, "key", handler), polls).await.is_some();
    retry(&service, store, policy, ended).await
}

async fn retry(
    service: &Service,
    store: Remote,
    policy: &'static Policy,
    ended: bool,
) -> Aftermath {
    assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    let runs = service.runs();
    let retry = service.another(store).send(policy, "key", done("retried")).await;
    Aftermath { ended, runs, retry, runs_in_all: service.runs() }
}

async fn yielding() -> Executed<String> {
    for _ in 0..4 {
        yield_now().await;
    }
    done("first").await
}

/// The retry finds the one result, whoever ran for it.
fn assert_one_run(after: &Aftermath, first: &Seen) {
    match after.runs {
        0 => assert_eq!(after.retry, ran("retried"), "a key that was never run is not stuck"),
        _ => assert_eq!(after.retry, *first),
    }
    assert_eq!(after.runs_in_all, 1);
}

/// The retry runs, whether the first did or not.
fn assert_freed(after: &Aftermath) {
    assert!(after.runs <= 1);
    assert_eq!(after.retry, ran("retried"));
}

#[tokio::test]
async fn a_run_is_stored_wherever_its_request_is_cut() {
    for policy in [&ONCE, &AGAIN] {
        let most = at_every_poll(async |store, polls| {
            let after = cut(store, polls, policy, yielding()).await;
            assert_one_run(&after, &replayed("first"));
            after.ended
        })
        .await;
        assert!(
            most >= 2 * (3 + 3) + 4,
            "{most} polls do not reach the end of a distant completion"
        );
    }
}

#[tokio::test]
async fn a_run_on_its_own_thread_is_stored_wherever_its_request_is_cut() {
    at_every_poll(async |store, polls| {
        let handler = async {
            let not_send = Rc::new(());
            yield_now().await;
            drop(not_send);
            yielding().await
        };
        let local = LocalSet::new();
        let after = local.run_until(async {
            let service = Service::new(store.clone());
            let answer = service.answer_local(service.call(&ONCE, "key"), handler);
            let ended = polled(answer, polls).await.is_some();
            retry(&service, store, &ONCE, ended).await
        });
        let after = after.await;
        assert_one_run(&after, &replayed("first"));
        after.ended
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_recorded_wherever_its_request_is_cut() {
    at_every_poll(async |store, polls| {
        let after = cut(store, polls, &ONCE, panicking()).await;
        assert_one_run(&after, &Seen::Replayed(500, "panicked".to_owned()));
        after.ended
    })
    .await;
}

#[tokio::test]
async fn a_key_is_freed_wherever_its_request_is_cut() {
    at_every_poll(async |store, polls| {
        let refused = cut(store.emptied(), polls, &ONCE, not_executed("refused")).await;
        let failed = cut(store.emptied(), polls, &AGAIN, ambiguous("failed")).await;
        let panicked = cut(store, polls, &AGAIN, panicking()).await;
        for after in [&refused, &failed, &panicked] {
            assert_freed(after);
        }
        refused.ended && failed.ended && panicked.ended
    })
    .await;
}
