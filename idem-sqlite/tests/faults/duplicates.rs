//! Concurrent duplicates in several stores on one file, with and without waiting, through the engine.

use std::time::Duration;

use idem_conformance::contention::{self, Service, WAITING, send_duplicates};
use idem_core::http::Served;
use idem_core::store::{IdempotencyStore, Update};
use idem_testkit::servers::SqliteFile;
use tokio::time::timeout;

use crate::support::{HOUR, claim_new, completion, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_concurrent_duplicates_start_one_run() {
    let file = SqliteFile::new();
    contention::one_of_many_runs(store(&file).await, store(&file).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_key_freed_while_waiting_starts_one_waiter() {
    let file = SqliteFile::new();
    contention::freed_key_lets_one_waiter_run(store(&file).await, store(&file).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_many_waiters_on_one_key() {
    const WAITERS: usize = 2_000;
    let file = SqliteFile::new();
    let service = Service::on(store(&file).await);
    let mut replies = send_duplicates(std::slice::from_ref(&service), &WAITING, WAITERS);
    service.gate.add_permits(1);
    let mut replayed = 0;
    while let Some(reply) = replies.join_next().await {
        replayed += usize::from(matches!(reply.unwrap().unwrap(), Served::Replayed(_)));
    }
    assert_eq!((service.runs(), replayed), (1, WAITERS - 1));
}

/// A duplicate is woken by a change of another process, without a claim of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_another_process_wake() {
    let file = SqliteFile::new();
    let (waiting, other) = (store(&file).await, store(&file).await);
    for _ in 0..3 {
        let claim = claim_new(&other).await;
        // The claim of the other process can wake too, so the first wake-up may be about it.
        let changed = waiting.changed(claim.id);
        timeout(Duration::from_secs(30), changed).await.expect("no wake-up within 30 s");
        let changed = waiting.changed(claim.id);
        let done = other.complete(claim, completion("done"), HOUR).await.unwrap();
        assert_eq!(done, Update::Applied);
        timeout(Duration::from_secs(30), changed).await.expect("no wake-up within 30 s");
    }
}
