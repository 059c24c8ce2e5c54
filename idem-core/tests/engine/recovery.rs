//! Unknown outcomes of handlers with `recover`: the next request asks the hook.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idem_core::http::Executed;
use idem_core::store::Fingerprint;
use idem_core::{Drained, Execution, Idempotency, MemoryStore, Policy, Recovery, UnknownReason};
use tokio::task::JoinHandle;

use crate::support::{
    AT_MOST_ONCE, Gate, LEASE, Response, Service, ambiguous, done, panicking, ran, refused,
    replayed,
};

// So long that the time of the test itself never counts.
const SETTLE: Duration = Duration::from_secs(10 * 60);
const RECHECK: Duration = Duration::from_secs(7 * 60);

static RECOVERABLE: Policy = AT_MOST_ONCE.with_settle(SETTLE);
static IMPATIENT: Policy = AT_MOST_ONCE.with_settle(Duration::ZERO);

fn service() -> (Service, MemoryStore) {
    let store = MemoryStore::new();
    let idempotency = Idempotency::builder(store.clone()).recheck(RECHECK).build();
    (Service::with(idempotency), store)
}

/// A refusal that tells the client to retry.
fn unknown(retry_after: Duration) -> Response {
    refused(&format!("OutcomeUnknown {{ retry_after: Some({retry_after:?}) }}"))
}

fn unknown_for_good() -> Response {
    refused("OutcomeUnknown { retry_after: None }")
}

/// Starts a run that hangs, and lets its lease lapse.
async fn lost_run(service: &Service, store: &MemoryStore) -> (Gate, JoinHandle<Response>) {
    let gate = Gate::default();
    let (sender, running) = (service.clone(), gate.then("first"));
    let first = tokio::spawn(async move {
        sender.send_recoverable(&RECOVERABLE, unreachable_hook(), running).await
    });
    gate.started().await;
    store.advance_clock(LEASE);
    (gate, first)
}

/// A hook that must not be polled.
async fn unreachable_hook() -> Recovery<Executed<String>> {
    panic!("the hook must not be asked")
}

async fn unreachable_handler() -> Executed<String> {
    panic!("the handler must not run")
}

async fn reports(report: Recovery<&'static str>) -> Recovery<Executed<String>> {
    match report {
        Recovery::Happened(body) => Recovery::Happened(done(body).await),
        other => other.map(|_| unreachable!()),
    }
}

#[tokio::test]
async fn what_happened_is_stored_and_the_late_owner_is_fenced() {
    let (service, store) = service();
    let (gate, first) = lost_run(&service, &store).await;
    let found = reports(Recovery::Happened("found"));
    let recovered = service.send_recoverable(&RECOVERABLE, found, unreachable_handler()).await;
    assert_eq!(recovered, replayed("found"), "the asking client gets a marked replay");
    gate.open();
    assert_eq!(first.await.unwrap(), replayed("found"));
    let again =
        service.send_recoverable(&RECOVERABLE, unreachable_hook(), unreachable_handler()).await;
    assert_eq!(again, replayed("found"));
    assert_eq!(service.runs(), 1);
}

#[tokio::test]
async fn a_found_failure_is_stored_too() {
    let (service, store) = service();
    let (_gate, _first) = lost_run(&service, &store).await;
    let found = async { Recovery::Happened(ambiguous("declined").await) };
    let recovered = service.send_recoverable(&RECOVERABLE, found, unreachable_handler()).await;
    assert_eq!(recovered, Response::Replayed(502, "declined".to_owned()));
    let again =
        service.send_recoverable(&RECOVERABLE, unreachable_hook(), unreachable_handler()).await;
    assert_eq!(again, recovered);
}

#[tokio::test]
async fn nothing_happened_is_believed_only_after_settle() {
    let (service, store) = service();
    let (_gate, _first) = lost_run(&service, &store).await;
    store.advance_clock(SETTLE / 2);
    let nothing = || reports(Recovery::NotHappened);
    let early = service.send_recoverable(&RECOVERABLE, nothing(), unreachable_handler()).await;
    let Response::Rejected(early) = early else { panic!("{early:?}") };
    let rest = early.strip_prefix("OutcomeUnknown { retry_after: Some(");
    let rest = rest.and_then(|rest| rest.strip_suffix("s) }")).unwrap().parse::<f64>().unwrap();
    let half = (SETTLE / 2).as_secs_f64();
    assert!(0.0 < rest && rest <= half, "the rest of settle: {rest} s of {half} s");

    let quiet =
        service.send_recoverable(&RECOVERABLE, unreachable_hook(), unreachable_handler()).await;
    assert!(matches!(quiet, Response::Rejected(_)), "the hook is not asked before that");

    store.advance_clock(SETTLE / 2);
    let second = service.send_recoverable(&RECOVERABLE, nothing(), done("second")).await;
    assert_eq!(second, ran("second"));
    assert_eq!((service.runs(), service.attempt()), (2, 3));
    let third = service.send_recoverable(&RECOVERABLE, unreachable_hook(), done("third")).await;
    assert_eq!(third, replayed("second"));
}

#[tokio::test]
async fn without_settle_nothing_happened_is_believed_immediately() {
    let (service, store) = service();
    let (gate, first) = lost_run(&service, &store).await;
    let nothing = reports(Recovery::NotHappened);
    let second = service.send_recoverable(&IMPATIENT, nothing, done("second")).await;
    assert_eq!(second, ran("second"));
    gate.open();
    assert_eq!(first.await.unwrap(), replayed("second"), "the first owner is stale");
}

#[tokio::test]
async fn an_inconclusive_hook_is_asked_again_after_recheck() {
    let (service, store) = service();
    let (_gate, _first) = lost_run(&service, &store).await;
    store.advance_clock(SETTLE);
    let inconclusive = reports(Recovery::Inconclusive);
    let first = service.send_recoverable(&RECOVERABLE, inconclusive, unreachable_handler()).await;
    assert_eq!(first, unknown(RECHECK));
    let quiet =
        service.send_recoverable(&RECOVERABLE, unreachable_hook(), unreachable_handler()).await;
    assert!(matches!(quiet, Response::Rejected(_)), "{quiet:?}");

    store.advance_clock(RECHECK);
    let panics = async {
        tokio::task::yield_now().await;
        panic!("injected")
    };
    let second = service.send_recoverable(&RECOVERABLE, panics, unreachable_handler()).await;
    assert_eq!(second, unknown(RECHECK), "a panic of the hook is inconclusive");
    store.advance_clock(RECHECK);
    let found = reports(Recovery::Happened("found"));
    let third = service.send_recoverable(&RECOVERABLE, found, unreachable_handler()).await;
    assert_eq!(third, replayed("found"));
}

#[tokio::test]
async fn a_disputed_outcome_is_never_asked_about_again() {
    let (service, store) = service();
    let (_gate, _first) = lost_run(&service, &store).await;
    let disputed = reports(Recovery::Disputed("the amount differs".to_owned()));
    let first = service.send_recoverable(&RECOVERABLE, disputed, unreachable_handler()).await;
    assert_eq!(first, unknown_for_good());
    store.advance_clock(RECHECK + SETTLE);
    let later =
        service.send_recoverable(&RECOVERABLE, unreachable_hook(), unreachable_handler()).await;
    assert_eq!(later, unknown_for_good());
}

#[tokio::test]
async fn an_ambiguous_failure_is_asked_about_by_the_next_request() {
    for fails in [true, false] {
        let (service, _) = service();
        let fails = async move { if fails { ambiguous("504").await } else { panicking().await } };
        let first = service.send_recoverable(&RECOVERABLE, unreachable_hook(), fails).await;
        assert!(matches!(first, Response::Ran(_)), "its own client gets the failure: {first:?}");
        let asked = async {
            let lost = Execution::current().recovering().expect("a hook recovers a lost run");
            assert_eq!((lost.reason(), lost.attempt()), (UnknownReason::Ambiguous, 1));
            reports(Recovery::Happened("found")).await
        };
        let second = service.send_recoverable(&RECOVERABLE, asked, unreachable_handler()).await;
        assert_eq!(second, replayed("found"));
    }
}

#[tokio::test]
async fn a_hook_gets_the_attempt_of_the_lost_run() {
    let (service, store) = service();
    let (_gate, _first) = lost_run(&service, &store).await;
    let nothing = reports(Recovery::NotHappened);
    let second = service.send_recoverable(&IMPATIENT, nothing, ambiguous("504")).await;
    assert!(matches!(second, Response::Ran(_)), "its own client gets the failure: {second:?}");
    let asked = async {
        let lost = Execution::current().recovering().expect("a hook recovers a lost run");
        assert_eq!((lost.reason(), lost.attempt()), (UnknownReason::Ambiguous, 2));
        reports(Recovery::Happened("found")).await
    };
    let third = service.send_recoverable(&IMPATIENT, asked, unreachable_handler()).await;
    assert_eq!(third, replayed("found"));
}

#[tokio::test]
async fn concurrent_duplicates_ask_once() {
    let (service, store) = service();
    let (_gate, _first) = lost_run(&service, &store).await;
    let (asking, asked) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
    let hook = || {
        let (asking, asked) = (asking.clone(), Arc::clone(&asked));
        async move {
            asked.fetch_add(1, Ordering::SeqCst);
            asking.then("found").await;
            reports(Recovery::Happened("found")).await
        }
    };
    let (recovering, first_hook) = (service.clone(), hook());
    let recovery = tokio::spawn(async move {
        recovering.send_recoverable(&RECOVERABLE, first_hook, unreachable_handler()).await
    });
    asking.started().await;
    for _ in 0..64 {
        let duplicate = service.send_recoverable(&RECOVERABLE, hook(), unreachable_handler()).await;
        assert_eq!(duplicate, refused("InProgress"));
    }
    asking.open();
    assert_eq!(recovery.await.unwrap(), replayed("found"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_recovery_continues_without_its_client() {
    let (service, store) = service();
    let (gate, _first) = lost_run(&service, &store).await;
    let asking = Gate::default();
    let (recovering, asks) = (service.clone(), asking.then("found"));
    let client = tokio::spawn(async move {
        let hook = async { Recovery::Happened(asks.await) };
        recovering.send_recoverable(&RECOVERABLE, hook, unreachable_handler()).await
    });
    asking.started().await;
    client.abort();
    assert!(client.await.is_err());
    asking.open();
    gate.open();
    assert_eq!(service.idempotency.drain(LEASE).await, Drained::Finished);
    let next = service.another_process(store);
    let replay =
        next.send_recoverable(&RECOVERABLE, unreachable_hook(), unreachable_handler()).await;
    assert_eq!(replay, replayed("found"));
}

#[tokio::test]
async fn another_request_under_the_key_is_not_recovered() {
    let (service, store) = service();
    let call = |print| {
        service.call(&RECOVERABLE, "key").with_fingerprint(Fingerprint::from_parts(1, [print; 32]))
    };
    let gate = Gate::default();
    let (sender, first) = (service.clone(), call(1));
    let running = gate.then("first");
    let _first =
        tokio::spawn(
            async move { sender.run_recoverable(first, unreachable_hook(), running).await },
        );
    gate.started().await;
    store.advance_clock(LEASE);
    let other = service.run_recoverable(call(2), unreachable_hook(), unreachable_handler()).await;
    assert_eq!(other, refused("KeyReused"));
    let same = reports(Recovery::Happened("found"));
    let same = service.run_recoverable(call(1), same, unreachable_handler()).await;
    assert_eq!(same, replayed("found"));
}

#[tokio::test]
async fn recover_is_needed_in_the_record_and_in_the_request() {
    let (service, store) = service();
    let gate = Gate::default();
    let _first = service.spawn(&RECOVERABLE, "key", gate.then("first"));
    gate.started().await;
    store.advance_clock(LEASE);
    let later =
        service.send_recoverable(&RECOVERABLE, unreachable_hook(), unreachable_handler()).await;
    assert_eq!(later, unknown_for_good(), "the record was claimed without `recover`");

    let (service, store) = self::service();
    let (_gate, _first) = lost_run(&service, &store).await;
    let plain = service.send(&RECOVERABLE, "key", unreachable_handler()).await;
    assert_eq!(plain, unknown_for_good(), "the request has no `recover`");
}

#[tokio::test]
async fn a_hook_that_a_drain_gives_up_is_asked_again() {
    let (service, store) = service();
    let (_gate, _first) = lost_run(&service, &store).await;
    let asking = Gate::default();
    let (recovering, asks) = (service.clone(), asking.then("never"));
    let client = tokio::spawn(async move {
        let hook = async { Recovery::Happened(asks.await) };
        recovering.send_recoverable(&RECOVERABLE, hook, unreachable_handler()).await
    });
    asking.started().await;
    assert_eq!(service.idempotency.drain(Duration::ZERO).await, Drained::GaveUp(2));
    assert_eq!(client.await.unwrap(), unknown(RECHECK));
    let next = service.another_process(store.clone());
    let early =
        next.send_recoverable(&RECOVERABLE, unreachable_hook(), unreachable_handler()).await;
    assert!(matches!(early, Response::Rejected(_)), "{early:?}");
    store.advance_clock(RECHECK);
    let asked = async {
        let lost = Execution::current().recovering().expect("a lost run");
        assert_eq!(lost.reason(), UnknownReason::Crashed, "the reason of the run, not of the hook");
        reports(Recovery::Happened("found")).await
    };
    let found = next.send_recoverable(&RECOVERABLE, asked, unreachable_handler()).await;
    assert_eq!(found, replayed("found"));
}
