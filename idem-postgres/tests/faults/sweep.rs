//! Expired records go, and nothing else does.

use std::time::Duration;

use idem_core::store::{ClaimOutcome, Completion, DeleteExpired, IdempotencyStore, State, Update};
use idem_postgres::sqlx::{self, PgPool};
use idem_testkit::servers::PostgresServer;
use tokio::task::JoinSet;

use crate::support::{HOUR, answered, builder, key, request, store, won};

const MANY: &str = "INSERT INTO idem_records
    SELECT sha256(n::text::bytea), now(), now(), now() - interval '1 minute', now() - interval '1 minute',
           1, 1, 1, 2, 1, 0, false, sha256('owner'), '', '' FROM generate_series(1, 5500) AS n";

/// Several sweepers run concurrently with claims. Each expired record is deleted once, and live records stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_sweep_under_load() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let running = won(&store).await;
    server.sql(MANY);
    assert!(store.sweep_lag().await.unwrap() >= Duration::from_secs(60));
    let mut sweepers = JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        sweepers.spawn(async move { store.delete_expired().await.unwrap() });
    }
    let mut claimed = Vec::new();
    for _ in 0..50 {
        claimed.push(won(&store).await);
    }
    let removed: u64 = sweepers.join_all().await.into_iter().sum();
    let rest = store.delete_expired().await.unwrap();
    assert_eq!(removed + rest, 5500);
    assert_eq!(store.sweep_lag().await.unwrap(), Duration::ZERO);
    for claim in claimed.into_iter().chain([running]) {
        assert_eq!(store.complete(claim, answered("kept"), HOUR).await.unwrap(), Update::Applied);
    }
    assert_eq!(server.sql("SELECT count(*) FROM idem_records"), "51");
}

/// A record that is being claimed anew in this moment is skipped, not waited for.
#[tokio::test]
async fn locked_record_is_skipped() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    server.sql(MANY);
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let mut holder = pool.begin().await.unwrap();
    let lock = "SELECT id FROM idem_records ORDER BY id LIMIT 1 FOR UPDATE";
    sqlx::query(lock).execute(&mut *holder).await.unwrap();
    assert_eq!(store.delete_expired().await.unwrap(), 5499);
    holder.rollback().await.unwrap();
    assert_eq!(store.delete_expired().await.unwrap(), 1);
}

/// What the README tells an operator to do about an unknown outcome: the key is free, and its old owner
/// is still a stranger to it.
#[tokio::test]
async fn unknown_record_may_be_deleted_by_hand() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let first = won(&store).await;
    assert_eq!(store.complete(first, Completion::Unknown, HOUR).await.unwrap(), Update::Applied);
    let logged = format!("FROM idem_records WHERE substring(id FOR 4) = '\\x{}'", first.id);
    assert_eq!(server.sql(&format!("SELECT state {logged}")), "4");
    server.sql(&format!("DELETE {logged}"));
    let ClaimOutcome::Acquired(second) = store.claim(first.id, request()).await.unwrap() else {
        panic!("deleted")
    };
    assert!(second.token > first.token);
    let late = store.complete(first, answered("late"), HOUR).await.unwrap();
    assert!(matches!(late, Update::Stale(Some(standing)) if standing.state == State::Running));
    assert_eq!(store.complete(second, answered("own"), HOUR).await.unwrap(), Update::Applied);
}

/// The store sweeps by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_records_go_by_themselves() {
    let server = PostgresServer::start(&[]);
    let builder = builder().sweep_every(Duration::from_millis(20));
    let store = builder.connect(&server.url()).await.unwrap();
    server.sql(MANY);
    let (id, running) = (key(), request());
    drop(store.claim(id, running).await.unwrap());
    server.until("SELECT count(*) FROM idem_records", |count| count == "1");
    let ClaimOutcome::Exists(left) = store.claim(id, request()).await.unwrap() else {
        panic!("it lives")
    };
    assert_eq!(left.state, State::Running);
}
