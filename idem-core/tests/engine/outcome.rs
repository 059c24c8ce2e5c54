//! The effect of a run's outcome on its key, see docs/semantics.md#outcome-of-a-response.

use std::time::Duration;

use idem_core::http::{Executed, panicked};
use idem_core::store::{Completion, UnknownReason};
use idem_core::{Drained, MemoryStore, Outcome, Policy};

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, Response, Service, ambiguous, done, not_executed, panicking, ran,
    refused, replayed,
};

/// The response of a request whose handler is `first`, and the response of its retry.
async fn request_and_retry<H>(policy: &'static Policy, first: H) -> (Response, Response)
where
    H: Future<Output = Executed<String>> + Send + 'static,
{
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let first = service.send(policy, "key", first).await;
    let drained = service.idempotency.drain(Duration::ZERO).await;
    assert_eq!(drained, Drained::Finished, "the run left no work behind");
    let retry = service.another_process(store).send(policy, "key", done("retried")).await;
    assert_eq!(service.attempt(), 1, "the attempts of a freed key start again");
    (first, retry)
}

#[tokio::test]
async fn a_final_response_is_stored() {
    for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
        assert_eq!(
            request_and_retry(policy, done("first")).await,
            (ran("first"), replayed("first"))
        );
    }
}

/// The response to a panic reports whether a retry can succeed.
#[tokio::test]
async fn a_response_to_a_panic_is_retryable_if_it_is_not_stored() {
    for (policy, retryable) in [(&AT_MOST_ONCE, "false"), (&AT_LEAST_ONCE, "true")] {
        let handler = async { panicked(|it| String::from_utf8(it.body.to_vec()).unwrap()) };
        let (first, _) = request_and_retry(policy, handler).await;
        let Response::Ran(body) = first else { panic!("{first:?}") };
        assert!(body.contains(&format!("\"retryable\":{retryable}")), "{body}");
    }
}

#[tokio::test]
async fn a_run_that_was_not_executed_frees_the_key() {
    for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
        assert_eq!(
            request_and_retry(policy, not_executed("slow down")).await,
            (ran("slow down"), ran("retried"))
        );
    }
}

#[tokio::test]
async fn an_ambiguous_failure_is_stored_under_at_most_once() {
    let stored = Response::Replayed(502, "failed".to_owned());
    assert_eq!(
        request_and_retry(&AT_MOST_ONCE, ambiguous("failed")).await,
        (ran("failed"), stored)
    );
}

#[tokio::test]
async fn an_ambiguous_failure_frees_the_key_under_at_least_once() {
    assert_eq!(
        request_and_retry(&AT_LEAST_ONCE, ambiguous("failed")).await,
        (ran("failed"), ran("retried"))
    );
}

#[tokio::test]
async fn a_panic_is_stored_under_at_most_once() {
    let stored = Response::Replayed(500, "panicked".to_owned());
    assert_eq!(request_and_retry(&AT_MOST_ONCE, panicking()).await, (ran("panicked"), stored));
}

#[tokio::test]
async fn a_panic_frees_the_key_under_at_least_once() {
    assert_eq!(
        request_and_retry(&AT_LEAST_ONCE, panicking()).await,
        (ran("panicked"), ran("retried"))
    );
}

#[tokio::test]
async fn a_panic_before_the_first_await_counts_as_a_panic_of_the_handler() {
    let service = Service::new(MemoryStore::new());
    let call = service.call(&AT_MOST_ONCE, "key");
    let handler = |_| if true { panic!("injected") } else { done("never") };
    let on_panic = || {
        Executed::new(
            "caught".to_owned(),
            Outcome::Ambiguous,
            Completion::NotRetained { status: 500 },
        )
    };
    let first = service.idempotency.run(call, handler, on_panic).await;
    assert_eq!(Response::from(first), ran("caught"));
    assert_eq!(
        service.send(&AT_MOST_ONCE, "key", done("retried")).await,
        refused("ResultUnavailable { status: 500 }")
    );
}

#[tokio::test]
async fn a_run_whose_response_is_not_retained_never_runs_again() {
    for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
        let first = Executed::new(
            "too large".to_owned(),
            Outcome::Final,
            Completion::NotRetained { status: 200 },
        );
        assert_eq!(
            request_and_retry(policy, async { first }).await,
            (ran("too large"), refused("ResultUnavailable { status: 200 }"))
        );
    }
}

#[tokio::test]
async fn a_run_with_an_unknown_outcome_never_runs_again() {
    let first = Executed::new(
        "unknown".to_owned(),
        Outcome::Ambiguous,
        Completion::unknown(UnknownReason::Ambiguous),
    );
    assert_eq!(
        request_and_retry(&AT_MOST_ONCE, async { first }).await,
        (ran("unknown"), refused("OutcomeUnknown { retry_after: None }"))
    );
}
