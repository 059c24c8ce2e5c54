//! The span of each call, with operation, record, attempt and outcome.

use std::time::Duration;

use idem_core::http::{Call, Executed, FingerprintInput, Scope};
use idem_core::{IdempotencyKey, MemoryStore, Policy};

use super::log::{closed_spans, logged, start_log};
use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, Gate, HUGE, LEASE, Service, done, not_executed, poll_times,
};

fn call(service: &Service, policy: &'static Policy, operation: &str) -> Call {
    let key = IdempotencyKey::new("key").unwrap();
    service.idempotency.call(policy, &["POST", operation], Scope::global(), &key).unwrap()
}

/// The fields after the record id. All spans must have the same record id of 8 hex digits.
fn fields_after_record(operation: &str) -> Vec<String> {
    let spans = closed_spans(&format!("POST {operation}"));
    let split = |span: &str| {
        span.strip_prefix("record=")
            .unwrap()
            .split_once(' ')
            .map(|(record, rest)| (record.to_owned(), rest.to_owned()))
            .unwrap()
    };
    let (records, rest): (Vec<_>, Vec<_>) = spans.iter().map(|span| split(span)).unzip();
    for record in &records {
        assert_eq!(record.len(), 8);
        assert!(record.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{record}");
        assert_eq!(*record, records[0]);
    }
    rest
}

#[tokio::test]
async fn spans_contain_the_outcome_of_each_call() {
    start_log();
    let service = Service::new(MemoryStore::new());
    let call_about = |text: &str| {
        let fingerprint =
            service.idempotency.fingerprint_input(&FingerprintInput::of(text).unwrap());
        call(&service, &AT_MOST_ONCE, "/outcomes").with_fingerprint(fingerprint)
    };
    service.run(call_about("this"), not_executed("slow down")).await;
    service.run(call_about("this"), done("first")).await;
    service.run(call_about("this"), done("again")).await;
    service.run(call_about("that"), done("other")).await;
    let expected = [
        r#"attempt=1 outcome="executed" status=429 result="released""#,
        r#"attempt=1 outcome="executed" status=200 result="success""#,
        r#"outcome="replayed" status=200"#,
        r#"outcome="key-reused" status=422"#,
    ];
    assert_eq!(fields_after_record("/outcomes"), expected);
}

#[tokio::test]
async fn spans_contain_the_outcomes_after_a_lapsed_lease() {
    start_log();
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    assert_eq!(
        poll_times(service.run(call(&service, &AT_LEAST_ONCE, "/lapses"), gate.then("first")), 1)
            .await,
        None
    );
    service.run(call(&service, &AT_LEAST_ONCE, "/lapses"), done("early")).await;
    store.advance_clock(LEASE);
    service.run(call(&service, &AT_MOST_ONCE, "/lapses"), done("stricter")).await;
    service.run(call(&service, &AT_LEAST_ONCE, "/lapses"), done("second")).await;
    gate.open();
    let _ = service.idempotency.drain(HUGE).await;
    service.run(call(&service, &AT_LEAST_ONCE, "/lapses"), done("late")).await;
    let expected = [
        r#"outcome="in-progress" status=409"#,
        r#"outcome="outcome-unknown" status=409"#,
        r#"attempt=2 outcome="executed" status=200 result="success""#,
        r#"attempt=1 outcome="replayed" status=200"#,
        r#"outcome="store-unavailable" status=503"#,
    ];
    assert_eq!(fields_after_record("/lapses"), expected, "a run without its client has a span too");
}

#[tokio::test]
async fn spans_contain_the_operation_of_the_policy() {
    static NAMED: Policy =
        AT_MOST_ONCE.with_operation("spans.named").with_max_run(Duration::from_secs(1));
    start_log();
    let service = Service::new(MemoryStore::new());
    service.run(call(&service, &NAMED, "/named"), std::future::pending()).await;
    let spans = closed_spans("spans.named");
    assert_eq!(spans.len(), 1);
    assert!(spans[0].ends_with(r#" attempt=1 outcome="outcome-unknown" status=409"#), "{spans:?}");
}

#[tokio::test]
async fn a_dropped_run_is_logged_as_a_warning() {
    start_log();
    let service = Service::new(MemoryStore::new());
    let on_panic = || -> Executed<String> { unreachable!() };
    let run = |operation, handler| {
        service.idempotency.run_borrowed(
            call(&service, &AT_MOST_ONCE, operation),
            |_| handler,
            on_panic,
        )
    };
    assert!(poll_times(run("/dropped", Gate::default().then("never")), 1).await.is_none());
    let gate = Gate::default();
    gate.open();
    assert!(poll_times(run("/ended", gate.then("ended")), 1).await.is_some());

    let warnings = |operation: &str| {
        let logged = logged();
        logged
            .lines()
            .filter(|line| line.contains(operation) && line.contains("was dropped"))
            .count()
    };
    assert_eq!((warnings("POST /dropped"), warnings("POST /ended")), (1, 0));
}
