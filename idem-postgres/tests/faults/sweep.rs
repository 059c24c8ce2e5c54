//! The deletion of expired records.

use std::time::Duration;

use idem_core::store::{
    ClaimOutcome, Completion, DeleteExpired, IdempotencyStore, State, UnknownReason, Update,
};
use idem_postgres::sqlx::{self, PgPool};
use idem_testkit::servers::PostgresServer;
use tokio::task::JoinSet;

use crate::support::{HOUR, builder, claim_new, completion, new_id, request, store};

const INSERT_EXPIRED: &str = "INSERT INTO idem_records
    SELECT sha256(n::text::bytea), now(), now(), now() - interval '1 minute',
           now() - interval '1 minute' - n * interval '1 ms', 1, 1, 1, 2, 1, 0, false, sha256('owner'), '', '' FROM generate_series(1, 5500) AS n";

/// Several sweepers run concurrently with claims. Each expired record is deleted once, and live records stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_sweep_under_load() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let running = claim_new(&store).await;
    server.sql(INSERT_EXPIRED);
    assert!(store.sweep_lag().await.unwrap() >= Duration::from_secs(60));
    let mut sweepers = JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        sweepers.spawn(async move { store.delete_expired().await.unwrap() });
    }
    let mut claimed = Vec::new();
    for _ in 0..50 {
        claimed.push(claim_new(&store).await);
    }
    let removed: u64 = sweepers.join_all().await.into_iter().sum();
    let rest = store.delete_expired().await.unwrap();
    assert_eq!(removed + rest, 5500);
    assert_eq!(store.sweep_lag().await.unwrap(), Duration::ZERO);
    for claim in claimed.into_iter().chain([running]) {
        assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    }
    assert_eq!(server.sql("SELECT count(*) FROM idem_records"), "51");
}

/// A dump or a report keeps an old snapshot open, so the index keeps the entries of deleted records. A batch does not read those
/// of the batches before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_snapshot_does_not_slow_the_sweeper() {
    let server = PostgresServer::start(&["autovacuum=off"]);
    let store = store(&server).await;
    server.sql(INSERT_EXPIRED);
    server.sql("ANALYZE idem_records");
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let mut report = pool.begin().await.unwrap();
    for snapshot in
        ["SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT id FROM idem_records LIMIT 1"]
    {
        sqlx::query(snapshot).execute(&mut *report).await.unwrap();
    }
    assert_eq!(store.delete_expired().await.unwrap(), 5500);
    // The connections report their statistics when they close.
    drop(store);
    let idle = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle'";
    server.until(idle, |count| count == "0");
    let read = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'idem_records_sweep_at'";
    let read: u64 = server.sql(read).parse().unwrap();
    assert!((5500..2 * 5500).contains(&read), "{read} index entries were read for 5500 records");
    report.rollback().await.unwrap();
}

/// A record that a concurrent claim has locked is skipped.
#[tokio::test]
async fn locked_record_is_skipped() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    server.sql(INSERT_EXPIRED);
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let mut holder = pool.begin().await.unwrap();
    let lock = "SELECT id FROM idem_records ORDER BY id LIMIT 1 FOR UPDATE";
    sqlx::query(lock).execute(&mut *holder).await.unwrap();
    assert_eq!(store.delete_expired().await.unwrap(), 5499);
    holder.rollback().await.unwrap();
    assert_eq!(store.delete_expired().await.unwrap(), 1);
}

/// The sweeper reads a record that is held beyond its `sweep_at` once, and deletes the expired ones behind it. Every
/// later pass reads only what has expired.
#[tokio::test]
async fn held_records_do_not_slow_the_sweeper() {
    let server = PostgresServer::start(&["autovacuum=off"]);
    let store = store(&server).await;
    server.sql(
        "INSERT INTO idem_records
         SELECT sha256(n::text::bytea), now(), now(), now() + interval '30 days', now() - interval '1 hour',
                1, 1, 2, 1, 1, 0, false, sha256('owner'), '', '' FROM generate_series(1, 2500) AS n",
    );
    let soon = claim_new(&store).await;
    server.sql(
        "UPDATE idem_records SET sweep_at = now(), expires_at = now() + interval '5 minutes' WHERE fence > 1",
    );
    let expired = claim_new(&store).await;
    let expire = "UPDATE idem_records SET sweep_at = now(), expires_at = now() WHERE fence =";
    server.sql(&format!("{expire} {}", expired.token.0));
    assert_eq!(store.delete_expired().await.unwrap(), 1);
    let due = "SELECT count(*) FROM idem_records WHERE sweep_at <= now()";
    assert_eq!(server.sql(due), "1", "a record that expires soon is not moved");
    let moved = "SELECT count(*) FROM idem_records WHERE sweep_at = expires_at";
    assert_eq!(server.sql(moved), "2500");
    assert_eq!(store.delete_expired().await.unwrap(), 0);
    assert_eq!(store.complete(soon, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    server.age("public", Duration::from_secs(31 * 24 * 3600));
    assert_eq!(store.delete_expired().await.unwrap(), 2501);
}

/// An operator finds and deletes an unknown record by the id in the log. The key is free, and
/// the old owner cannot change the new record.
#[tokio::test]
async fn unknown_record_can_be_deleted_by_hand() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let first = claim_new(&store).await;
    assert_eq!(
        store.complete(first, Completion::unknown(UnknownReason::TimedOut), HOUR).await.unwrap(),
        Update::Applied
    );
    let logged = format!("FROM idem_records WHERE id = '\\x{}'", first.id);
    assert_eq!(server.sql(&format!("SELECT state {logged}")), "4");
    server.sql(&format!("DELETE {logged}"));
    let ClaimOutcome::Acquired(second) = store.claim(first.id, request()).await.unwrap() else {
        panic!("the key is not free")
    };
    assert!(second.token > first.token);
    let late = store.complete(first, completion("late"), HOUR).await.unwrap();
    assert!(matches!(late, Update::Stale(Some(existing)) if existing.state == State::Running));
    assert_eq!(store.complete(second, completion("own"), HOUR).await.unwrap(), Update::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_records_are_deleted_periodically() {
    let server = PostgresServer::start(&[]);
    let builder = builder().sweep_every(Duration::from_millis(20));
    let store = builder.connect(&server.url()).await.unwrap();
    server.sql(INSERT_EXPIRED);
    let (id, request) = (new_id(), request());
    drop(store.claim(id, request).await.unwrap());
    server.until("SELECT count(*) FROM idem_records", |count| count == "1");
    let ClaimOutcome::Exists(left) = store.claim(id, self::request()).await.unwrap() else {
        panic!("the live record was deleted")
    };
    assert_eq!(left.state, State::Running);
}
