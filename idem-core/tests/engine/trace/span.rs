//! One span per call: operation, record, attempt, outcome.

use std::time::Duration;

use idem_core::http::{Call, Executed, FingerprintInput, Scope};
use idem_core::{IdempotencyKey, MemoryStore, Policy};

use super::log::{closed_spans, heard, listen};
use crate::support::{
    AGAIN, AT_MOST_ONCE, Gate, HUGE, LEASE, ONCE, Service, done, not_executed, polled,
};

fn call(service: &Service, policy: &'static Policy, operation: &str) -> Call {
    let key = IdempotencyKey::new("key").unwrap();
    service.idempotency.call(policy, &["POST", operation], Scope::global(), &key).unwrap()
}

/// The fields behind the record, after a look at the record: 8 hex digits, the same in all spans.
fn outcomes(operation: &str) -> Vec<String> {
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
async fn it_tells_how_each_call_was_answered() {
    listen();
    let service = Service::new(MemoryStore::new());
    let about = |text: &str| {
        let fingerprint =
            service.idempotency.fingerprint_input(&FingerprintInput::of(text).unwrap());
        call(&service, &ONCE, "/answers").with_fingerprint(fingerprint)
    };
    service.answer(about("this"), not_executed("slow down")).await;
    service.answer(about("this"), done("first")).await;
    service.answer(about("this"), done("again")).await;
    service.answer(about("that"), done("other")).await;
    let expected = [
        r#"attempt=1 outcome="executed""#,
        r#"attempt=1 outcome="executed""#,
        r#"outcome="replayed""#,
        r#"outcome="key-reused""#,
    ];
    assert_eq!(outcomes("/answers"), expected);
}

#[tokio::test]
async fn it_tells_what_a_lapsed_run_led_to() {
    listen();
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    assert_eq!(
        polled(service.answer(call(&service, &AGAIN, "/lapses"), gate.then("first")), 1).await,
        None
    );
    service.answer(call(&service, &AGAIN, "/lapses"), done("early")).await;
    store.advance_clock(LEASE);
    service.answer(call(&service, &ONCE, "/lapses"), done("careful")).await;
    service.answer(call(&service, &AGAIN, "/lapses"), done("second")).await;
    gate.open();
    let _ = service.idempotency.drain(HUGE).await;
    service.answer(call(&service, &AGAIN, "/lapses"), done("late")).await;
    let expected = [
        r#"outcome="in-progress""#,
        r#"outcome="outcome-unknown""#,
        r#"attempt=2 outcome="executed""#,
        r#"attempt=1 outcome="replayed""#,
        r#"outcome="store-unavailable""#,
    ];
    assert_eq!(outcomes("/lapses"), expected, "also of a run whose client left");
}

#[tokio::test]
async fn it_takes_the_name_of_the_operation_from_the_policy() {
    static NAMED: Policy =
        AT_MOST_ONCE.with_operation("spans.named").with_max_run(Duration::from_millis(1));
    listen();
    let service = Service::new(MemoryStore::new());
    service.answer(call(&service, &NAMED, "/named"), std::future::pending()).await;
    let spans = closed_spans("spans.named");
    assert_eq!(spans.len(), 1);
    assert!(spans[0].ends_with(r#" attempt=1 outcome="outcome-unknown""#), "{spans:?}");
}

#[tokio::test]
async fn a_run_that_was_dropped_is_warned_of() {
    listen();
    let service = Service::new(MemoryStore::new());
    let on_panic = || -> Executed<String> { unreachable!() };
    let begin = |operation, handler| {
        service.idempotency.run_borrowed(call(&service, &ONCE, operation), |_| handler, on_panic)
    };
    assert!(polled(begin("/dropped", Gate::default().then("never")), 1).await.is_none());
    let gate = Gate::default();
    gate.open();
    assert!(polled(begin("/ended", gate.then("ended")), 1).await.is_some());

    let warnings = |operation: &str| {
        let heard = heard();
        heard
            .lines()
            .filter(|line| line.contains(operation) && line.contains("was dropped"))
            .count()
    };
    assert_eq!((warnings("POST /dropped"), warnings("POST /ended")), (1, 0));
}
