//! Concurrent duplicates in several processes, with and without waiting, through the engine.

use std::time::Duration;

use idem_conformance::contention::{self, Service, WAITING, send_duplicates};
use idem_core::http::Served;
use idem_core::store::Changed;
use idem_core::store::IdempotencyStore;
use idem_postgres::sqlx::postgres::PgListener;
use idem_testkit::servers::PostgresServer;
use tokio::time::timeout;

use crate::support::{HOUR, builder, claim_new, completion, new_id, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_concurrent_duplicates_start_one_run() {
    let server = PostgresServer::start(&[]);
    contention::one_of_many_runs(store(&server).await, store(&server).await).await;
}

/// Waiters hold no connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_many_waiters_on_one_key() {
    const WAITERS: usize = 2_000;
    let server = PostgresServer::start(&[]);
    let builder = builder().max_connections(4);
    let service = Service::on(builder.connect(&server.url()).await.unwrap());
    let mut replies = send_duplicates(std::slice::from_ref(&service), &WAITING, WAITERS);
    server.until("SELECT count(*) FROM idem_records WHERE awaited", |count| count == "1");
    let connections = "SELECT count(*) FROM pg_stat_activity
                       WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let connections: usize = server.sql(connections).parse().unwrap();
    assert!(
        connections <= 6,
        "{connections} connections, but the pool has 4, and one each listens and renews"
    );
    service.gate.add_permits(1);
    let mut replayed = 0;
    while let Some(reply) = replies.join_next().await {
        replayed += usize::from(matches!(reply.unwrap().unwrap(), Served::Replayed(_)));
    }
    assert_eq!((service.runs(), replayed), (1, WAITERS - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_key_freed_while_waiting_starts_one_waiter() {
    let server = PostgresServer::start(&[]);
    contention::freed_key_lets_one_waiter_run(store(&server).await, store(&server).await).await;
}

/// Waits for a wake-up, and panics after 30 s.
async fn woken(changed: Changed) {
    timeout(Duration::from_secs(30), changed).await.expect("no wake-up within 30 s");
}

const LISTENERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";

/// After a loss the listener connects again, wakes all waiters and receives notifications.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listener_reconnects_and_wakes_waiters() {
    let server = PostgresServer::start(&[]);
    let (waiting, other) = (store(&server).await, store(&server).await);
    for _ in 0..2 {
        let claim = claim_new(&other).await;
        let woken_by_the_new_listener = waiting.changed(claim.id);
        server.until(LISTENERS, |count| count == "1");
        woken(woken_by_the_new_listener).await;
        let changed = waiting.changed(claim.id);
        server.until("SELECT count(*) FROM idem_records WHERE awaited", |count| count == "1");
        drop(other.complete(claim, completion("done"), HOUR).await.unwrap());
        woken(changed).await;
        server.sql("DELETE FROM idem_records");
        let end =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
        server.sql(end);
    }
}

/// Other ends must not wait for the lock of notifications.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_awaited_ends_are_notified() {
    let server = PostgresServer::start(&[]);
    let (store, other) = (store(&server).await, store(&server).await);
    let first_listen = store.changed(new_id());
    server.until(LISTENERS, |count| count == "1");
    woken(first_listen).await;
    let mut listener = PgListener::connect(&server.url()).await.unwrap();
    listener.listen("idem_records").await.unwrap();
    for _ in 0..10 {
        let claim = claim_new(&other).await;
        drop(other.complete(claim, completion("done"), HOUR).await.unwrap());
    }
    let claim = claim_new(&other).await;
    let changed = store.changed(claim.id);
    server.until("SELECT count(*) FROM idem_records WHERE awaited", |count| count == "1");
    drop(other.complete(claim, completion("done"), HOUR).await.unwrap());
    woken(changed).await;
    let first = listener.recv().await.unwrap();
    let hex: String = claim.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(first.payload(), hex);
}
