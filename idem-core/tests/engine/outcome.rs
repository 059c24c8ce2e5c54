//! How a run ends, and what that leaves under its key (R21).

use std::time::Duration;

use idem_core::http::Executed;
use idem_core::store::Completion;
use idem_core::{Drained, MemoryStore, Outcome, Policy};

use crate::support::{
    AGAIN, ONCE, Seen, Service, ambiguous, done, not_executed, panicking, ran, refused, replayed,
};

/// What the request itself and its retry see of a run that ends like `first`.
async fn ends<H>(policy: &'static Policy, first: H) -> (Seen, Seen)
where
    H: Future<Output = Executed<String>> + Send + 'static,
{
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let first = service.send(policy, "key", first).await;
    let drained = service.idempotency.drain(Duration::ZERO).await;
    assert_eq!(drained, Drained::Finished, "nothing of the run is left over");
    let retry = service.another(store).send(policy, "key", done("retried")).await;
    assert_eq!(service.attempt(), 1, "a freed key starts anew");
    (first, retry)
}

#[tokio::test]
async fn a_final_answer_is_stored() {
    for policy in [&ONCE, &AGAIN] {
        assert_eq!(ends(policy, done("first")).await, (ran("first"), replayed("first")));
    }
}

#[tokio::test]
async fn a_refusal_before_acting_frees_the_key() {
    for policy in [&ONCE, &AGAIN] {
        assert_eq!(
            ends(policy, not_executed("slow down")).await,
            (ran("slow down"), ran("retried"))
        );
    }
}

#[tokio::test]
async fn an_ambiguous_failure_is_stored_under_at_most_once() {
    let stored = Seen::Replayed(502, "failed".to_owned());
    assert_eq!(ends(&ONCE, ambiguous("failed")).await, (ran("failed"), stored));
}

#[tokio::test]
async fn an_ambiguous_failure_frees_the_key_under_at_least_once() {
    assert_eq!(ends(&AGAIN, ambiguous("failed")).await, (ran("failed"), ran("retried")));
}

#[tokio::test]
async fn a_panic_is_stored_under_at_most_once() {
    let stored = Seen::Replayed(500, "panicked".to_owned());
    assert_eq!(ends(&ONCE, panicking()).await, (ran("panicked"), stored));
}

#[tokio::test]
async fn a_panic_frees_the_key_under_at_least_once() {
    assert_eq!(ends(&AGAIN, panicking()).await, (ran("panicked"), ran("retried")));
}

#[tokio::test]
async fn a_panic_before_the_first_await_is_a_panic_of_the_handler() {
    let service = Service::new(MemoryStore::new());
    let call = service.call(&ONCE, "key");
    let handler = |_| if true { panic!("planted") } else { done("never") };
    let on_panic = || Executed {
        reply: "caught".to_owned(),
        outcome: Outcome::Ambiguous,
        completion: Completion::NotRetained { status: 500 },
    };
    let first = service.idempotency.run(call, handler, on_panic).await;
    assert_eq!(Seen::from(first), ran("caught"));
    assert_eq!(
        service.send(&ONCE, "key", done("retried")).await,
        refused("ResultUnavailable { status: 500 }")
    );
}

#[tokio::test]
async fn an_answer_that_is_not_retained_never_runs_again() {
    for policy in [&ONCE, &AGAIN] {
        let first = Executed {
            reply: "too large".to_owned(),
            outcome: Outcome::Final,
            completion: Completion::NotRetained { status: 200 },
        };
        assert_eq!(
            ends(policy, async { first }).await,
            (ran("too large"), refused("ResultUnavailable { status: 200 }"))
        );
    }
}

#[tokio::test]
async fn a_run_that_knows_no_outcome_is_never_run_again() {
    let first = Executed {
        reply: "no idea".to_owned(),
        outcome: Outcome::Ambiguous,
        completion: Completion::Unknown,
    };
    assert_eq!(ends(&ONCE, async { first }).await, (ran("no idea"), refused("OutcomeUnknown")));
}
