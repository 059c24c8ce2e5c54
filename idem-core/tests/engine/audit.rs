//! The audit log: late completions, and the chain of the entries.

use std::time::Duration;

use idem_core::records::{Actor, AuditCheck, AuditFilter, Filter};
use idem_core::store::{AuditAction, AuditEntry, FencingToken, IdempotencyStore, RecordId, Update};
use idem_core::{Drained, MemoryStore};

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, Gate, LEASE, LossyStore, Service, done, ran, replayed,
};

/// A run that was fenced off changes nothing, and its result is kept as evidence: a second effect may exist.
/// Time is paused, because a drain waits only a few seconds for the entry.
#[tokio::test(start_paused = true)]
async fn late_completion_of_a_fenced_owner_is_kept_as_evidence() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let first = service.spawn(&AT_LEAST_ONCE, "key", gate.then("first"));
    gate.started().await;
    store.advance_clock(LEASE);
    assert_eq!(service.send(&AT_LEAST_ONCE, "key", done("second")).await, ran("second"));
    let records = service.idempotency.records().unwrap();
    let record = records.list(Filter::all()).try_next().await.unwrap().unwrap();
    assert!(records.late_completions(record.id).await.unwrap().is_empty());
    gate.open();
    assert_eq!(first.await.unwrap(), replayed("second"));
    assert_eq!(service.send(&AT_LEAST_ONCE, "key", done("third")).await, replayed("second"));
    // The entry is written in the background, and a shutdown waits for it.
    assert_eq!(service.idempotency.drain(Duration::from_secs(5)).await, Drained::Finished);
    let [late] = &records.late_completions(record.id).await.unwrap()[..] else { panic!() };
    assert_eq!((late.entry.action, &*late.entry.actor), (AuditAction::Late, "run 1"));
    assert_eq!(&*late.entry.state, "200");
    assert!(late.entry.token < record.token && late.entry.response_digest.is_some());
}

/// A run whose key was freed by hand, and given to no other run, is late too.
#[tokio::test(start_paused = true)]
async fn late_completion_is_kept_without_a_record() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let first = service.spawn(&AT_MOST_ONCE, "key", gate.then("first"));
    gate.started().await;
    store.advance_clock(LEASE);
    let records = service.idempotency.records().unwrap();
    let record = records.list(Filter::unknown()).try_next().await.unwrap().unwrap();
    let actor = Actor::new("ada").reason("unknown to the provider");
    assert_eq!(record.release(&actor).await.unwrap(), Update::Applied);
    gate.open();
    drop(first.await.unwrap());
    assert_eq!(service.idempotency.drain(Duration::from_secs(5)).await, Drained::Finished);
    assert_eq!(records.late_completions(record.id).await.unwrap().len(), 1);
    assert!(records.find(record.id).await.unwrap().is_none(), "it is not created again");
}

/// A late completion is sent again, three times in all.
#[tokio::test(start_paused = true)]
async fn late_completion_is_sent_again_if_the_store_fails() {
    for (lost, kept) in [(2, 1), (usize::MAX, 0)] {
        let store = LossyStore::default();
        let service = Service::new(store.clone());
        let gate = Gate::default();
        let first = service.spawn(&AT_LEAST_ONCE, "key", gate.then("first"));
        gate.started().await;
        store.store.advance_clock(LEASE);
        assert_eq!(service.send(&AT_LEAST_ONCE, "key", done("second")).await, ran("second"));
        store.lose_entries(lost);
        gate.open();
        assert_eq!(first.await.unwrap(), replayed("second"));
        assert_eq!(service.idempotency.drain(Duration::from_secs(5)).await, Drained::Finished);
        assert_eq!(store.entries(), 3);
        let records = service.idempotency.records().unwrap();
        let page = records.audit(AuditFilter::default(), None, 10).await.unwrap();
        assert_eq!(page.records.len(), kept);
    }
}

#[tokio::test(start_paused = true)]
async fn run_that_owns_its_claim_is_not_late() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("first")).await, ran("first"));
    assert_eq!(service.idempotency.drain(Duration::from_secs(5)).await, Drained::Finished);
    let records = service.idempotency.records().unwrap();
    let page = records.audit(AuditFilter::default(), None, 10).await.unwrap();
    assert!(page.records.is_empty(), "{page:?}");
}

#[tokio::test]
async fn chain_is_intact_also_after_old_entries_were_pruned() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let records = service.idempotency.records().unwrap();
    assert_eq!(records.verify_audit().await.unwrap(), AuditCheck::Intact { entries: 0 });
    let id = RecordId::from_bytes([1; 32]);
    for number in 0..5 {
        let entry = AuditEntry::new(id, AuditAction::View, "ada", "", FencingToken(number), "s");
        store.records().unwrap().append_audit(entry).await.unwrap();
        store.advance_clock(LEASE);
    }
    assert_eq!(records.verify_audit().await.unwrap(), AuditCheck::Intact { entries: 5 });
    let page = records.audit(AuditFilter::default(), None, 10).await.unwrap();
    assert_eq!(records.prune_audit(page.records[2].at).await.unwrap(), 2);
    assert_eq!(records.verify_audit().await.unwrap(), AuditCheck::Intact { entries: 3 });
    let kept = records.audit(AuditFilter::default(), None, 10).await.unwrap();
    assert_eq!(kept.records, page.records[2..]);
}
