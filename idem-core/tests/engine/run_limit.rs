//! Limits on concurrent runs, see docs/semantics.md#concurrent-runs.

use idem_core::http::{Call, Executed, Scope};
use idem_core::store::Fingerprint;
use idem_core::{Idempotency, IdempotencyBuilder, MemoryStore, Recovery};
use tokio::task::JoinHandle;

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, Events, Gate, LEASE, Response, Service, done, poll_times, ran,
    refused, replayed,
};

fn service(limit: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder) -> Service {
    Service::with(limit(Idempotency::builder(MemoryStore::new())).build())
}

async fn send(service: &Service, scope: &str, key: &str) -> Response {
    service.run(service.call_in(Scope::of(scope), &AT_MOST_ONCE, key), done("done")).await
}

/// Makes a call, which has a hook if it is recoverable.
async fn run<H>(service: Service, call: Call, is_recoverable: bool, handler: H) -> Response
where
    H: Future<Output = Executed<String>> + Send + 'static,
{
    let hook = async { Recovery::Inconclusive };
    match is_recoverable {
        true => service.run_recoverable(call, hook, handler).await,
        false => service.run(call, handler).await,
    }
}

/// Starts a run that ends once the gate is open.
async fn start(service: &Service, scope: &str, key: &str) -> (Gate, JoinHandle<Response>) {
    let gate = Gate::default();
    let call = service.call_in(Scope::of(scope), &AT_MOST_ONCE, key);
    let (running, handler) = (service.clone(), gate.then("first"));
    let run = tokio::spawn(async move { running.run(call, handler).await });
    gate.started().await;
    (gate, run)
}

#[tokio::test]
async fn a_scope_has_its_own_number_of_runs() {
    let service = service(|builder| builder.max_runs(10).max_runs_per_scope(2));
    assert_eq!(send(&service, "acme", "done").await, ran("done"));
    let (first, running) = start(&service, "acme", "one").await;
    let _second = start(&service, "acme", "two").await;

    assert_eq!(send(&service, "acme", "three").await, refused("TooManyRuns"));
    assert_eq!(send(&service, "acme", "one").await, refused("InProgress"));
    assert_eq!(send(&service, "acme", "done").await, replayed("done"));
    assert_eq!(send(&service, "globex", "three").await, ran("done"), "another scope has places");

    first.open();
    assert_eq!(running.await.unwrap(), ran("first"));
    assert_eq!(send(&service, "acme", "three").await, ran("done"), "a place became free");
}

#[tokio::test]
async fn the_limit_of_the_process_holds_for_all_scopes_together() {
    let service = service(|builder| builder.max_runs(2).max_runs_per_scope(2));
    let (first, running) = start(&service, "acme", "one").await;
    let _second = start(&service, "globex", "one").await;
    assert_eq!(send(&service, "initech", "one").await, refused("TooManyRuns"));
    first.open();
    running.await.unwrap();
    assert_eq!(send(&service, "initech", "one").await, ran("done"));
}

/// The run holds the place, and not the request.
#[tokio::test]
async fn a_run_without_a_caller_keeps_the_place_of_its_scope() {
    let service = service(|builder| builder.max_runs_per_scope(1));
    let gate = Gate::default();
    let call = service.call_in(Scope::of("acme"), &AT_MOST_ONCE, "one");
    assert_eq!(poll_times(service.run(call, gate.then("first")), 1).await, None);
    gate.started().await;
    assert_eq!(send(&service, "acme", "two").await, refused("TooManyRuns"));
    gate.open();
    while send(&service, "acme", "one").await != replayed("first") {
        tokio::task::yield_now().await;
    }
    assert_eq!(send(&service, "acme", "two").await, ran("done"));
}

#[tokio::test]
async fn a_call_inside_of_a_run_needs_no_place() {
    let service = service(|builder| builder.max_runs(1).max_runs_per_scope(1));
    let inner = service.clone();
    let outer = service.call_in(Scope::of("acme"), &AT_MOST_ONCE, "outer");
    let handler = async move {
        assert_eq!(send(&inner, "acme", "inner").await, ran("done"));
        done("outer").await
    };
    assert_eq!(service.run(outer, handler).await, ran("outer"));
}

/// A lost run is taken over or recovered only if there is a place. A request that would not run is answered.
#[tokio::test]
async fn a_lost_run_is_not_repeated_at_the_limit() {
    for (policy, is_recoverable) in [(&AT_LEAST_ONCE, false), (&AT_MOST_ONCE, true)] {
        let store = MemoryStore::new();
        let events = Events::default();
        let builder = Idempotency::builder(store.clone()).observer(events.clone());
        let limited = Service::with(builder.max_runs(1).build());
        let call = |print| {
            let fingerprint = Fingerprint::from_parts(1, [print; 32]);
            limited.call(policy, "key").with_fingerprint(fingerprint)
        };
        let (first, gate) = (limited.another_process(store.clone()), Gate::default());
        let lost = run(first, call(1), is_recoverable, gate.then("first"));
        let _lost = tokio::spawn(lost);
        gate.started().await;
        let (_other, _running) = start(&limited, "acme", "other").await;
        store.advance_clock(LEASE);

        let again =
            async |print| run(limited.clone(), call(print), is_recoverable, done("second")).await;
        let claims = events.with("store memory claim").len();
        assert_eq!(again(1).await, refused("TooManyRuns"));
        assert_eq!(again(2).await, refused("KeyReused"));
        assert_eq!(events.with("store memory claim").len(), claims, "no attempt is used up");
    }
}

/// A request that would not run anyway gets the answer that it would get without a limit.
#[tokio::test]
async fn a_request_that_cannot_run_is_answered_at_the_limit() {
    let store = MemoryStore::new();
    let limited = Service::with(Idempotency::builder(store.clone()).max_runs(1).build());
    assert_eq!(limited.send(&AT_LEAST_ONCE, "done", done("first")).await, ran("first"));
    let (crashed, gate) = (limited.another_process(store.clone()), Gate::default());
    let _lost = crashed.spawn(&AT_MOST_ONCE, "key", gate.then("lost"));
    gate.started().await;
    let (_other, _running) = start(&limited, "acme", "other").await;
    store.advance_clock(LEASE);
    assert_eq!(limited.send(&AT_LEAST_ONCE, "done", done("again")).await, replayed("first"));
    let hook = async { panic!("the lost run had no hook") };
    let again = limited.send_recoverable(&AT_MOST_ONCE, hook, done("again")).await;
    assert_eq!(again, refused("OutcomeUnknown { retry_after: None }"));
}

#[test]
#[should_panic(expected = "max_runs_per_scope is 0")]
fn a_limit_of_zero_is_refused() {
    drop(Idempotency::builder(MemoryStore::new()).max_runs_per_scope(0));
}
