//! Handlers that hold all connections for transactions: only new keys wait for one of them.

use std::sync::Arc;
use std::time::Duration;

use idem_core::http::Served;
use idem_core::{Idempotency, Rejection};
use idem_postgres::PostgresStore;
use idem_postgres::sqlx::postgres::PgPoolOptions;
use idem_testkit::servers::{PostgresServer, eventually, soon};
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;

use crate::support::{
    NO_WAIT, Reply, WAITING, assert_executed, assert_replayed, builder, call, counts, expected,
    server, service_on, write_and_return,
};

/// A new key waits up to this time. A call is tried three times, which is longer than a busy server needs.
const WAIT_TIMEOUT: Duration = Duration::from_secs(4);
const CONNECTIONS: u32 = 4;
const SLOW_RUNS: usize = CONNECTIONS as usize;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_runs_refuse_no_replay_and_no_duplicate() {
    let server = server(&[]);
    let builder = builder().max_connections(CONNECTIONS).wait_timeout(WAIT_TIMEOUT);
    let connected = async || builder.clone().connect(&server.url()).await.ok();
    let store = eventually("connection within the limit", connected).await;
    serve_while_exhausted(&server, store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_runs_on_an_existing_pool_refuse_no_replay_and_no_duplicate() {
    let server = server(&[]);
    let options = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(WAIT_TIMEOUT);
    let connected = async || options.clone().connect(&server.url()).await.ok();
    let pool = eventually("connection within the limit", connected).await;
    let connected = async || builder().on_pool(pool.clone()).await.ok();
    let store = eventually("connection within the limit", connected).await;
    serve_while_exhausted(&server, store).await;
}

async fn serve_while_exhausted(server: &PostgresServer, store: PostgresStore) {
    // Only the key that must be refused uses the default limit of a service.
    let (service, impatient) = (service_on(store.clone()), Idempotency::new(store));
    let pay = |key: &str| {
        let (service, key) = (service.clone(), key.to_owned());
        async move { call(&service, &NO_WAIT, &key, |tx| write_and_return(tx, 201)).await }
    };
    assert_executed(&pay("done").await, 201);
    let (begun, gate) = (Arc::new(Barrier::new(SLOW_RUNS + 1)), Arc::new(Semaphore::new(0)));
    let mut slow: JoinSet<Reply> = JoinSet::new();
    for n in 0..SLOW_RUNS {
        let (service, begun, gate) = (service.clone(), Arc::clone(&begun), Arc::clone(&gate));
        slow.spawn(async move {
            let handler = |tx| async move {
                begun.wait().await;
                gate.acquire().await.unwrap().forget();
                write_and_return(tx, 201).await
            };
            call(&service, &NO_WAIT, &format!("slow {n}"), handler).await
        });
    }
    soon("start of every slow run", begun.wait()).await;
    let mut replays: JoinSet<Reply> = (0..200).map(|_| pay("done")).collect();
    while let Some(replay) = replays.join_next().await {
        assert_replayed(&replay.unwrap(), 201);
    }
    let mut duplicates: JoinSet<Reply> = (0..200).map(|_| pay("slow 0")).collect();
    while let Some(duplicate) = duplicates.join_next().await {
        let duplicate = duplicate.unwrap();
        assert!(matches!(duplicate, Err(Rejection::InProgress)), "{duplicate:?}");
    }
    let new = call(&impatient, &NO_WAIT, "new", |tx| write_and_return(tx, 201)).await;
    assert!(matches!(new, Err(Rejection::StoreUnavailable(_))), "{new:?}");
    gate.add_permits(SLOW_RUNS);
    for end in slow.join_all().await {
        assert!(matches!(end, Ok(Served::Executed(201))), "{end:?}");
    }
    // The refused call may still open a transaction, and rolls it back.
    let new = call(&service, &WAITING, "new", |tx| write_and_return(tx, 201)).await;
    assert_executed(&new, 201);
    assert_eq!(counts(server), expected("6", "6 of 6"));
}
