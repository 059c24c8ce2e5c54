//! Duplicates at once, over processes, waiting or not, through the engine.

use std::time::Duration;

use idem_conformance::contention::{self, Service, WAITING, send_duplicates};
use idem_core::http::Served;
use idem_core::store::Changed;
use idem_core::store::IdempotencyStore;
use idem_postgres::sqlx::postgres::PgListener;
use idem_testkit::servers::PostgresServer;
use tokio::time::timeout;

use crate::support::{HOUR, answered, builder, key, store, won};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_concurrent_duplicates_start_one_run() {
    let server = PostgresServer::start(&[]);
    contention::one_of_many_runs(store(&server).await, store(&server).await).await;
}

/// No waiter holds a connection, and those there are suffice for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_many_waiters_on_one_key() {
    const WAITERS: usize = 2_000;
    let server = PostgresServer::start(&[]);
    let builder = builder().max_connections(4).wait_timeout(Duration::from_secs(30));
    let service = Service::on(builder.connect(&server.url()).await.unwrap());
    let mut replies = send_duplicates(std::slice::from_ref(&service), &WAITING, WAITERS);
    server.until("SELECT count(*) FROM idem_records WHERE awaited", |count| count == "1");
    let connections = "SELECT count(*) FROM pg_stat_activity
                       WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let connections: usize = server.sql(connections).parse().unwrap();
    assert!(connections <= 6, "{connections} connections: the pool's, a listener, a renewal");
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

/// After that a wake-up is taken for lost.
async fn woken(changed: Changed) {
    timeout(Duration::from_secs(30), changed).await.expect("notified");
}

const LISTENERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";

/// The listener is made again after it was lost, everybody is woken, and notifications come again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_listener_is_made_again() {
    let server = PostgresServer::start(&[]);
    let (waiting, other) = (store(&server).await, store(&server).await);
    for _ in 0..2 {
        let claim = won(&other).await;
        let woken_at_the_latest_by_a_new_listener = waiting.changed(claim.id);
        server.until(LISTENERS, |count| count == "1");
        woken(woken_at_the_latest_by_a_new_listener).await;
        let changed = waiting.changed(claim.id);
        server.until("SELECT count(*) FROM idem_records WHERE awaited", |count| count == "1");
        drop(other.complete(claim, answered("done"), HOUR).await.unwrap());
        woken(changed).await;
        server.sql("DELETE FROM idem_records");
        let end =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
        server.sql(end);
    }
}

/// Only ends that somebody waits for are notified: others must not queue for the lock of notifications.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn end_that_nobody_awaits_is_not_notified() {
    let server = PostgresServer::start(&[]);
    let (store, other) = (store(&server).await, store(&server).await);
    let any = store.changed(key());
    server.until(LISTENERS, |count| count == "1");
    woken(any).await;
    let mut listener = PgListener::connect(&server.url()).await.unwrap();
    listener.listen("idem_records").await.unwrap();
    for _ in 0..10 {
        let claim = won(&other).await;
        drop(other.complete(claim, answered("done"), HOUR).await.unwrap());
    }
    let claim = won(&other).await;
    let changed = store.changed(claim.id);
    server.until("SELECT count(*) FROM idem_records WHERE awaited", |count| count == "1");
    drop(other.complete(claim, answered("done"), HOUR).await.unwrap());
    woken(changed).await;
    let first = listener.recv().await.unwrap();
    let hex: String = claim.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(first.payload(), hex);
}
