//! Runs that took a downstream key or confirmed their claim: no status of their response frees the key.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use idem_core::http::{Executed, Head, capture};
use idem_core::store::Headers;
use idem_core::{Execution, MemoryStore, Outcome, Policy, Recovery};

use crate::support::{AT_LEAST_ONCE, AT_MOST_ONCE, Service, done, ran, refused, replayed};

/// The statuses that free a key.
const RELEASING: [u16; 8] = [401, 403, 407, 408, 421, 425, 429, 503];

/// What a handler does before it responds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Nothing,
    TakesKey,
    TakesKeyInATask,
    Confirms,
}

async fn act(act: Act) {
    let execution = Execution::current();
    match act {
        Act::Nothing => {}
        Act::TakesKey => drop(execution.downstream_key("charge")),
        Act::TakesKeyInATask => {
            tokio::spawn(async move { execution.downstream_key("charge") }).await.unwrap();
        }
        Act::Confirms => assert!(execution.confirm().await.is_ok()),
    }
}

/// A response with a status, as an adapter captures it.
async fn responds(status: u16, declared: Option<Outcome>) -> Executed<String> {
    let head =
        Head { status, headers: Headers::default(), declared, announced: 0, is_stream: false };
    let body = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"body"))]);
    capture(head, body, 1024, |_| status.to_string()).await
}

async fn handler(acts: Act, status: u16, declared: Option<Outcome>) -> Executed<String> {
    act(acts).await;
    responds(status, declared).await
}

async fn runs_again(
    policy: &'static Policy,
    acts: Act,
    status: u16,
    declared: Option<Outcome>,
) -> bool {
    let service = Service::new(MemoryStore::new());
    let first = service.send(policy, "key", handler(acts, status, declared)).await;
    assert_eq!(first, ran(&status.to_string()));
    let second = service.send(policy, "key", done("again")).await;
    if second != ran("again") {
        assert_eq!(second, crate::support::Response::Replayed(status, "body".to_owned()));
    }
    second == ran("again")
}

#[tokio::test]
async fn no_status_frees_the_key_of_an_acted_run_under_at_most_once() {
    for status in RELEASING {
        assert!(runs_again(&AT_MOST_ONCE, Act::Nothing, status, None).await, "{status}");
        for acts in [Act::TakesKey, Act::TakesKeyInATask, Act::Confirms] {
            assert!(!runs_again(&AT_MOST_ONCE, acts, status, None).await, "{status} {acts:?}");
            assert!(runs_again(&AT_LEAST_ONCE, acts, status, None).await, "{status} {acts:?}");
        }
    }
}

#[tokio::test]
async fn a_declared_outcome_is_obeyed_after_an_act() {
    let declared = |outcome| runs_again(&AT_MOST_ONCE, Act::TakesKey, 503, Some(outcome));
    assert!(declared(Outcome::NotExecuted).await);
    assert!(!declared(Outcome::Final).await);
}

#[tokio::test]
async fn an_acted_run_with_recover_is_asked_about() {
    let service = Service::new(MemoryStore::new());
    let nobody = async { panic!("there is nothing to recover") };
    let first = handler(Act::TakesKey, 503, None);
    assert_eq!(service.send_recoverable(&AT_MOST_ONCE, nobody, first).await, ran("503"));
    let found = async { Recovery::Happened(done("found").await) };
    let second = service.send_recoverable(&AT_MOST_ONCE, found, done("again")).await;
    assert_eq!(second, replayed("found"));
}

#[tokio::test]
async fn the_hook_does_not_count_as_an_act_of_the_run() {
    static POLICY: Policy = AT_MOST_ONCE.with_settle(std::time::Duration::ZERO);
    let service = Service::new(MemoryStore::new());
    let nobody = async { panic!("there is nothing to recover") };
    let first = handler(Act::TakesKey, 500, None);
    assert_eq!(service.send_recoverable(&POLICY, nobody, first).await, ran("500"));
    let nothing = async {
        act(Act::TakesKey).await;
        act(Act::Confirms).await;
        Recovery::NotHappened
    };
    let second = handler(Act::Nothing, 503, None);
    assert_eq!(service.send_recoverable(&POLICY, nothing, second).await, ran("503"));
    let nobody = async { panic!("the key is free") };
    let third = service.send_recoverable(&POLICY, nobody, done("third")).await;
    assert_eq!(third, ran("third"));
}

#[tokio::test]
async fn a_run_acts_after_its_hook() {
    static POLICY: Policy = AT_MOST_ONCE.with_settle(std::time::Duration::ZERO);
    let service = Service::new(MemoryStore::new());
    let nobody = async { panic!("there is nothing to recover") };
    let first = handler(Act::TakesKey, 500, None);
    assert_eq!(service.send_recoverable(&POLICY, nobody, first).await, ran("500"));
    let nothing = async { Recovery::NotHappened };
    let second = handler(Act::TakesKey, 503, None);
    assert_eq!(service.send_recoverable(&POLICY, nothing, second).await, ran("503"));
    let found = async { Recovery::Happened(done("found").await) };
    let third = service.send_recoverable(&POLICY, found, done("again")).await;
    assert_eq!(third, replayed("found"));
}

#[tokio::test]
async fn a_failed_confirmation_is_not_an_act() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let handler = async move {
        // The record expires, so the claim cannot be confirmed.
        store.advance_clock(AT_MOST_ONCE.lease + AT_MOST_ONCE.hold);
        assert!(Execution::current().confirm().await.is_err());
        responds(503, None).await
    };
    assert_eq!(service.send(&AT_MOST_ONCE, "key", handler).await, ran("503"));
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("again")).await, ran("again"));
    assert_ne!(service.send(&AT_MOST_ONCE, "key", done("third")).await, refused("InProgress"));
}

#[tokio::test]
async fn a_released_status_frees_the_key_of_a_run_that_did_not_act() {
    static ONCE: Policy = AT_MOST_ONCE.with_releases(&[400, 422]);
    static AGAIN: Policy = AT_LEAST_ONCE.with_releases(&[400, 422]);
    for status in [400, 422] {
        assert!(runs_again(&ONCE, Act::Nothing, status, None).await, "{status}");
        assert!(!runs_again(&ONCE, Act::TakesKey, status, None).await, "{status}");
        assert!(!runs_again(&ONCE, Act::Nothing, status, Some(Outcome::Final)).await, "{status}");
        assert!(runs_again(&AGAIN, Act::TakesKey, status, None).await, "{status}");
        assert!(!runs_again(&AT_MOST_ONCE, Act::Nothing, status, None).await, "{status}");
    }
    assert!(!runs_again(&ONCE, Act::Nothing, 409, None).await);
}

#[tokio::test]
async fn a_released_status_of_an_acted_run_is_not_asked_about() {
    static POLICY: Policy = AT_MOST_ONCE.with_releases(&[400]);
    let service = Service::new(MemoryStore::new());
    let nobody = async { panic!("there is nothing to recover") };
    let first = handler(Act::TakesKey, 400, None);
    assert_eq!(service.send_recoverable(&POLICY, nobody, first).await, ran("400"));
    let nobody = async { panic!("there is nothing to recover") };
    let second = service.send_recoverable(&POLICY, nobody, done("again")).await;
    assert_eq!(second, crate::support::Response::Replayed(400, "body".to_owned()));
}
