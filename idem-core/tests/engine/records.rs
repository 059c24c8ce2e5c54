//! Records by hand: found by key, listed and resolved.

use std::time::Duration;

use idem_core::http::Scope;
use idem_core::records::{
    Actor, AuditCheck, AuditFilter, Filter, FoundState, Objection, Operation, RecordHandle,
    RecordsError,
};
use idem_core::store::{AuditAction, AuditOutcome, StoredResponse, Update};
use idem_core::{Execution, IdempotencyKey, MemoryStore, UnknownReason};

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, Gate, LEASE, Response, Service, done, ran, replayed,
};

fn service() -> (Service, MemoryStore) {
    let store = MemoryStore::new();
    (Service::new(store.clone()), store)
}

/// Finds the record of the service's operation under a key.
async fn by_key(service: &Service, key: &str) -> Option<RecordHandle> {
    let operation = Operation::route("POST", "/payments");
    let key = IdempotencyKey::new(key).unwrap();
    let records = service.idempotency.records().unwrap();
    records.by_key(&operation, Scope::global(), &key).await.unwrap()
}

fn actor() -> Actor {
    Actor::new("ada@host").reason("looked it up at the provider")
}

/// Starts a run that hangs, and lets its lease lapse.
async fn crash(service: &Service, store: &MemoryStore, key: &str) -> Gate {
    let gate = Gate::default();
    drop(service.spawn(&AT_MOST_ONCE, key, gate.then("late")));
    gate.started().await;
    store.advance_clock(LEASE);
    gate
}

#[tokio::test]
async fn an_unknown_outcome_is_completed_and_replayed() {
    let (service, store) = service();
    let _gate = crash(&service, &store, "key").await;
    let found = by_key(&service, "key").await.unwrap();
    assert_eq!(found.state, FoundState::Unknown(UnknownReason::Crashed));
    assert_eq!(found.extras.operation(), "POST /payments");
    let response = StoredResponse::text(201, "by hand");
    assert_eq!(found.complete(response, &actor()).await.unwrap(), Update::Applied);
    let retry = service.send(&AT_MOST_ONCE, "key", done("again")).await;
    assert_eq!(retry, Response::Replayed(201, "by hand".to_owned()));
}

#[tokio::test]
async fn a_released_key_runs_again() {
    let (service, store) = service();
    let gate = crash(&service, &store, "key").await;
    let found = by_key(&service, "key").await.unwrap();
    assert_eq!(found.release(&actor()).await.unwrap(), Update::Applied);
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("second")).await, ran("second"));
    gate.open();
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("third")).await, replayed("second"));
    assert_eq!(service.runs(), 2);
}

#[tokio::test]
async fn a_held_outcome_stays_unknown_for_longer() {
    let (service, store) = service();
    let _gate = crash(&service, &store, "key").await;
    let found = by_key(&service, "key").await.unwrap();
    let hold = AT_MOST_ONCE.hold * 2;
    assert_eq!(found.extend_hold(hold, &actor()).await.unwrap(), Update::Applied);
    store.advance_clock(AT_MOST_ONCE.hold);
    assert!(by_key(&service, "key").await.is_some());
    store.advance_clock(AT_MOST_ONCE.hold);
    assert!(by_key(&service, "key").await.is_none());
}

/// A hold that ends earlier would free the key, and a retry would run again.
#[tokio::test]
async fn a_hold_never_ends_before_the_record() {
    let (service, store) = service();
    let _gate = crash(&service, &store, "key").await;
    let found = by_key(&service, "key").await.unwrap();
    let left = found.expires_at.since(found.now);
    for hold in [Duration::ZERO, Duration::from_secs(1), left - Duration::from_micros(1)] {
        let objection = Objection::ShorterHold { until: found.expires_at, left };
        assert_eq!(found.may_be_held(hold), Err(objection));
        let refused = found.extend_hold(hold, &actor()).await.unwrap_err();
        assert!(matches!(&refused, RecordsError::Objection(is) if *is == objection), "{refused}");
        let seconds = format!("for another {} s", left.as_secs());
        assert!(refused.to_string().contains(&seconds), "{refused}");
    }
    let unchanged = by_key(&service, "key").await.unwrap();
    assert_eq!((unchanged.token, unchanged.expires_at), (found.token, found.expires_at));
    store.advance_clock(Duration::from_secs(2));
    let retry = service.send(&AT_MOST_ONCE, "key", done("second")).await;
    assert_ne!(retry, ran("second"));
    assert_eq!(service.runs(), 1);

    // The present end, and a later one.
    let found = by_key(&service, "key").await.unwrap();
    let left = found.expires_at.since(found.now);
    assert_eq!(found.may_be_held(left), Ok(()));
    assert_eq!(found.extend_hold(left, &actor()).await.unwrap(), Update::Applied);
    let held = by_key(&service, "key").await.unwrap();
    assert!(held.expires_at >= found.expires_at);
    let longer = left + Duration::from_secs(60);
    assert_eq!(held.extend_hold(longer, &actor()).await.unwrap(), Update::Applied);
    assert!(by_key(&service, "key").await.unwrap().expires_at > held.expires_at);
}

/// The store rejects it, and returns the current record.
#[tokio::test]
async fn a_hold_of_another_state_is_left_to_the_store() {
    let (service, _) = service();
    service.send(&AT_MOST_ONCE, "key", done("first")).await;
    let found = by_key(&service, "key").await.unwrap();
    assert_eq!(found.may_be_held(Duration::ZERO), Err(Objection::Settled(found.state)));
    let update = found.extend_hold(Duration::ZERO, &actor()).await.unwrap();
    assert!(matches!(update, Update::Stale(Some(_))), "{update:?}");
}

#[tokio::test]
async fn one_of_two_operators_wins() {
    let (service, store) = service();
    let _gate = crash(&service, &store, "key").await;
    let one = by_key(&service, "key").await.unwrap();
    let other = one.clone();
    let response = StoredResponse::text(200, "found");
    assert_eq!(one.complete(response, &actor()).await.unwrap(), Update::Applied);
    assert!(matches!(other.release(&actor()).await.unwrap(), Update::Stale(Some(_))));
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("again")).await, replayed("found"));
}

#[tokio::test]
async fn a_live_run_and_a_result_are_not_resolved() {
    let (service, _) = service();
    let gate = Gate::default();
    let first = service.spawn(&AT_MOST_ONCE, "key", gate.then("first"));
    gate.started().await;
    let live = by_key(&service, "key").await.unwrap();
    assert_eq!(live.state, FoundState::Running);
    assert!(matches!(live.release(&actor()).await.unwrap(), Update::Stale(_)));
    assert!(matches!(live.evict(&actor()).await.unwrap(), Update::Stale(_)));
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));

    let done_once = by_key(&service, "key").await.unwrap();
    assert_eq!(done_once.state, FoundState::Completed { status: 200 });
    assert!(matches!(done_once.release(&actor()).await.unwrap(), Update::Stale(_)));
    assert_eq!(done_once.evict(&actor()).await.unwrap(), Update::Applied);
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("again")).await, ran("again"));
}

#[tokio::test]
async fn a_listing_pages_through_all_unknown_outcomes() {
    let (service, store) = service();
    let mut gates = Vec::new();
    for n in 0..250 {
        let gate = Gate::default();
        drop(service.spawn(&AT_LEAST_ONCE, &format!("key-{n}"), gate.then("late")));
        gate.started().await;
        gates.push(gate);
    }
    service.send(&AT_MOST_ONCE, "done", done("done")).await;
    store.advance_clock(LEASE);
    let records = service.idempotency.records().unwrap();
    let count = async |filter: Filter| {
        let mut listing = records.list(filter);
        let mut count = 0;
        while listing.try_next().await.unwrap().is_some() {
            count += 1;
        }
        count
    };
    assert_eq!(count(Filter::unknown()).await, 250);
    assert_eq!(count(Filter::all()).await, 251);
    assert_eq!(count(Filter::unknown().operation("POST /payments")).await, 250);
    assert_eq!(count(Filter::unknown().operation("POST /refunds")).await, 0);
    assert_eq!(count(Filter::unknown().older_than(Duration::from_secs(3600))).await, 0);
}

#[tokio::test]
async fn a_downstream_key_is_that_of_the_run() {
    let (service, _) = service();
    let (sender, keys) = std::sync::mpsc::channel();
    let handler = async move {
        sender.send(Execution::current().downstream_key("charge")).unwrap();
        done("first").await
    };
    service.send(&AT_MOST_ONCE, "key", handler).await;
    let found = by_key(&service, "key").await.unwrap();
    assert_eq!(found.downstream_key("charge"), keys.recv().unwrap());
}

#[tokio::test]
async fn a_response_that_cannot_be_stored_is_refused() {
    let (service, store) = service();
    let _gate = crash(&service, &store, "key").await;
    let found = by_key(&service, "key").await.unwrap();
    for status in [199, 600] {
        let refused = found.complete(StoredResponse::text(status, ""), &actor()).await;
        assert!(matches!(refused, Err(RecordsError::Status(refused)) if refused == status));
    }
    let huge = StoredResponse::text(200, "x".repeat(service.idempotency.max_response() + 1));
    let refused = found.complete(huge, &actor()).await;
    assert!(matches!(refused, Err(RecordsError::TooLarge { .. })));
    for status in [204, 205, 304] {
        let refused = found.complete(StoredResponse::text(status, "x"), &actor()).await;
        assert!(matches!(refused, Err(RecordsError::BodyNotAllowed(refused)) if refused == status));
    }
    let json = StoredResponse::json(201, &["a"]).unwrap();
    assert_eq!(found.complete(json, &actor()).await.unwrap(), Update::Applied);
    let retry = service.send(&AT_MOST_ONCE, "key", done("again")).await;
    assert_eq!(retry, Response::Replayed(201, r#"["a"]"#.to_owned()));
}

#[tokio::test]
async fn every_change_is_in_the_audit_log() {
    let (service, store) = service();
    let _gate = crash(&service, &store, "key").await;
    let found = by_key(&service, "key").await.unwrap();
    let update = found.complete(StoredResponse::text(200, "found"), &actor()).await.unwrap();
    assert_eq!(update, Update::Applied);
    let records = service.idempotency.records().unwrap();
    let page = records.audit(AuditFilter::of_record(found.id), None, 10).await.unwrap();
    let [written] = &page.records[..] else { panic!("{page:?}") };
    assert_eq!(
        (written.entry.action, written.outcome),
        (AuditAction::Complete, AuditOutcome::Done)
    );
    assert_eq!((&*written.entry.actor, written.entry.token), ("ada@host", found.token));
    assert_eq!(&*written.entry.state, "outcome unknown: crashed");
    assert!(written.entry.response_digest.is_some());
}

/// A digest that is kept outside the store shows that the newest entries were removed, which the chain alone does not.
#[tokio::test]
async fn digest_of_the_newest_entry_is_in_the_entry_after_it() {
    let (service, store) = service();
    let records = service.idempotency.records().unwrap();
    let none = records.verify_audit_with_digest().await.unwrap();
    assert_eq!(none, (AuditCheck::Intact { entries: 0 }, None));
    let _gate = crash(&service, &store, "key").await;
    let hold = AT_MOST_ONCE.hold * 2;
    let found = by_key(&service, "key").await.unwrap();
    assert_eq!(found.extend_hold(hold, &actor()).await.unwrap(), Update::Applied);
    let (check, digest) = records.verify_audit_with_digest().await.unwrap();
    assert_eq!(check, AuditCheck::Intact { entries: 1 });
    let found = by_key(&service, "key").await.unwrap();
    assert_eq!(found.extend_hold(hold, &actor()).await.unwrap(), Update::Applied);
    let page = records.audit(AuditFilter::default(), None, 10).await.unwrap();
    let [first, second] = &page.records[..] else { panic!("{page:?}") };
    assert_eq!((Some(first.digest()), second.previous), (digest, digest));
    let (_, later) = records.verify_audit_with_digest().await.unwrap();
    assert_eq!(later, Some(second.digest()));
}

#[tokio::test]
async fn an_empty_scope_has_no_records() {
    let (service, _) = service();
    let records = service.idempotency.records().unwrap();
    let key = IdempotencyKey::new("key").unwrap();
    let found = records.by_key(&Operation::named("charge"), Scope::of(""), &key).await;
    assert!(matches!(found, Err(RecordsError::ScopeEmpty)));
}
