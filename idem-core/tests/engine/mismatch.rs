//! Why a key was refused for another request: the parts that differ.

use std::time::Duration;

use idem_core::http::{Call, RequestParts, Scope};
use idem_core::records::Filter;
use idem_core::{Drained, Idempotency, MemoryStore};

use crate::support::{AT_MOST_ONCE, Events, Service, done, ran, refused};

fn service(keeps_outlines: bool) -> (Service, Events) {
    let events = Events::default();
    let mut builder = Idempotency::builder(MemoryStore::new()).observer(events.clone());
    if keeps_outlines {
        builder = builder.request_outline(true);
    }
    (Service::with(builder.build()), events)
}

fn call(service: &Service, body: &str) -> Call {
    let (lines, policy) = (|_: &str| [&b"\"key\""[..]].into_iter(), &AT_MOST_ONCE);
    let builder = service.idempotency.call_for(policy, "POST", lines, String::new).unwrap();
    let mut builder = builder.unwrap();
    builder.label("ord-1").request(&RequestParts {
        method: "POST",
        path: "/payments",
        query: None,
        content_type: Some(b"application/json"),
        body: body.as_bytes(),
    });
    builder.finish(Scope::global(), &["POST", "/payments"]).unwrap()
}

/// Time is paused, because a drain waits only a few seconds for the event.
#[tokio::test(start_paused = true)]
async fn parts_that_differ_are_an_event_and_not_in_the_refusal() {
    let (service, events) = service(true);
    let first = call(&service, r#"{"amount": 100, "note": "a"}"#);
    assert_eq!(service.run(first, done("first")).await, ran("first"));
    let second = call(&service, r#"{"amount": 101}"#);
    assert_eq!(service.run(second, done("second")).await, refused("KeyReused"));
    assert_eq!(service.idempotency.drain(Duration::from_secs(5)).await, Drained::Finished);
    assert_eq!(events.with("mismatch"), [r#"mismatch POST /payments ["body.amount"] 1"#]);
    let records = service.idempotency.records().unwrap();
    let record = records.list(Filter::all()).try_next().await.unwrap().unwrap();
    assert_eq!((record.extras.label(), record.extras.outline().unwrap().len()), ("ord-1", 7 * 8));
}

/// It is off by default, and then nothing is stored and nothing is read.
#[tokio::test(start_paused = true)]
async fn without_outlines_nothing_is_stored_and_nothing_is_reported() {
    let (service, events) = service(false);
    let first = call(&service, r#"{"amount": 100}"#);
    assert_eq!(service.run(first, done("first")).await, ran("first"));
    let second = call(&service, r#"{"amount": 101}"#);
    assert_eq!(service.run(second, done("second")).await, refused("KeyReused"));
    assert_eq!(service.idempotency.drain(Duration::from_secs(5)).await, Drained::Finished);
    assert!(events.with("mismatch").is_empty());
    let records = service.idempotency.records().unwrap();
    let record = records.list(Filter::all()).try_next().await.unwrap().unwrap();
    assert_eq!(record.extras.outline(), None);
}
