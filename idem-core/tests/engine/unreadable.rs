//! Records that the store cannot read, see docs/faults.md, `stored-record-unreadable`.

use std::time::Duration;

use idem_core::http::Scope;
use idem_core::records::Operation;
use idem_core::{Idempotency, IdempotencyKey, Rejection};

use crate::support::{AT_MOST_ONCE, Events, Response, Service, done, unreadable_store};

#[tokio::test]
async fn nothing_runs_and_the_claim_is_not_repeated() {
    let events = Events::default();
    let idempotency = Idempotency::builder(unreadable_store()).observer(events.clone()).build();
    let service = Service::with(idempotency);
    let response = service.send(&AT_MOST_ONCE, "key", done("never")).await;
    let Response::Rejected(rejection) = response else { panic!("{response:?}") };
    assert!(rejection.starts_with("RecordUnreadable"), "{rejection}");
    assert_eq!(service.runs(), 0);
    assert_eq!(events.with("store "), ["store custom claim Some(Corrupt)"]);
}

#[tokio::test]
async fn the_key_has_no_status() {
    let idempotency = Idempotency::new(unreadable_store());
    let key = IdempotencyKey::new("key").unwrap();
    let operation = Operation::route("POST", "/payments");
    let status = idempotency.status(&operation, Scope::global(), &key, Duration::ZERO).await;
    assert!(matches!(status, Err(Rejection::RecordUnreadable(_))), "{status:?}");
}
