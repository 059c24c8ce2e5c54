//! A server that rejects statements, restarts or closes connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use idem_core::store::{ClaimOutcome, IdempotencyStore, StoreErrorKind, Update};
use idem_postgres::sqlx::{self, Connection, PgConnection, PgPool};
use idem_testkit::servers::{PostgresServer, eventually};
use tokio::task::JoinSet;

use crate::locks::wait_longer;
use crate::support::{
    HOUR, builder, claim_new, completed, completion, connect, error_kind, new_id, request, store,
    until_rejected,
};

/// The number of statements that wait for a lock.
const BLOCKED: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";

/// Repeating a call applies the change, or returns the applied change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_backend_terminated() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let mut workers = JoinSet::new();
    let ended = Arc::new(AtomicU32::new(0));
    for _ in 0..8 {
        let (store, ended) = (store.clone(), Arc::clone(&ended));
        workers.spawn(async move {
            let mut runs = 0;
            // On a busy machine, the runs can be faster than the ends of connections.
            while runs < 40 || ended.load(Ordering::SeqCst) <= 8 {
                let (id, request) = (new_id(), request());
                let claim = loop {
                    match store.claim(id, request.clone()).await {
                        Ok(ClaimOutcome::Acquired(claim)) => break claim,
                        Ok(other) => panic!("{other:?}"),
                        Err(error) => assert_ne!(error.kind(), StoreErrorKind::Corrupt),
                    }
                };
                let update = loop {
                    if let Ok(update) = store.complete(claim, completion("kept"), HOUR).await {
                        break update;
                    }
                };
                assert_eq!(update, Update::Applied);
                runs += 1;
            }
            runs
        });
    }
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let mut runs = 0;
    while !workers.is_empty() {
        ended.fetch_add(server.sql(others).parse().unwrap(), Ordering::SeqCst);
        while let Some(done) = workers.try_join_next() {
            runs += done.unwrap();
        }
    }
    let records = server.sql("SELECT count(*), min(state) FROM idem_records");
    assert_eq!(records, format!("{runs}|2"));
}

/// Acknowledged records survive, and calls succeed after the restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_restarts_under_load() {
    let mut server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let impatient = connect(&builder().wait_timeout(Duration::from_secs(1)), &server.url()).await;
    let claim = claim_new(&store).await;
    let is_stopped = Arc::new(AtomicBool::new(false));
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let (store, is_stopped) = (store.clone(), Arc::clone(&is_stopped));
        workers.spawn(async move {
            let mut kept = Vec::new();
            while !is_stopped.load(Ordering::SeqCst) {
                let Ok(ClaimOutcome::Acquired(claim)) = store.claim(new_id(), request()).await
                else {
                    return kept;
                };
                match store.complete(claim, completion("kept"), HOUR).await {
                    Ok(Update::Applied) => kept.push(claim.id),
                    Ok(lost) => panic!("{lost:?}"),
                    Err(_) => return kept,
                }
            }
            kept
        });
    }
    server.until("SELECT count(*) > 200 FROM idem_records", |enough| enough == "t");
    server.stop_immediately();
    is_stopped.store(true, Ordering::SeqCst);
    // The first calls use connections that have just broken. After that no connection can be opened.
    eventually("call without a connection", async || {
        let failed = error_kind(impatient.complete(claim, completion("late"), HOUR).await);
        (failed != StoreErrorKind::Unknown).then_some(())
    })
    .await;
    let refused = impatient.complete(claim, completion("late"), HOUR).await;
    assert_eq!(error_kind(refused), StoreErrorKind::NotDone);
    server.restart();
    // Their store waits until the server is back.
    let kept: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    for store in [store, impatient] {
        let late = async || store.complete(claim, completion("late"), HOUR).await.ok();
        let late = eventually("reply of the restarted server", late).await;
        assert_eq!(late, Update::Applied);
        for id in &kept {
            let replay = async || store.claim(*id, request()).await.ok();
            let replay = eventually("reply of the restarted server", replay).await;
            assert_eq!(replay, completed("kept"));
        }
    }
}

/// A completion that waits for a lock ends at the statement timeout, and has changed nothing.
#[tokio::test]
async fn fault_postgres_aborts_statement_timeout() {
    let server = PostgresServer::start(&[]);
    let (builder, store) = (builder().max_connections(1), store(&server).await);
    // Otherwise the shorter limit for locks would end the wait.
    wait_longer(&server, "public");
    let impatient = builder.statement_timeout(Duration::from_secs(2));
    let impatient = connect(&impatient, &server.url()).await;
    let claim = claim_new(&store).await;
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("SELECT id FROM idem_records FOR UPDATE").execute(&mut *holder).await.unwrap();
    until_rejected(async || impatient.complete(claim, completion("late"), HOUR).await).await;
    holder.rollback().await.unwrap();
    assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
}

#[tokio::test]
async fn fault_postgres_aborts_statement_lock_timeout() {
    let server = PostgresServer::start(&["lock_timeout=100ms"]);
    let store = store(&server).await;
    let claim = claim_new(&store).await;
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE idem_records").execute(&mut *holder).await.unwrap();
    assert_eq!(error_kind(store.claim(new_id(), request()).await), StoreErrorKind::NotDone);
    assert_eq!(error_kind(store.release(claim).await), StoreErrorKind::NotDone);
    holder.rollback().await.unwrap();
    assert_eq!(store.release(claim).await.unwrap(), Update::Applied);
}

/// A deadlock in which the server cancels the statement of the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_aborts_statement_deadlock() {
    let server = PostgresServer::start(&["deadlock_timeout=1s"]);
    let store = store(&server).await;
    // Otherwise the limit for locks could end the wait before the test has seen it.
    wait_longer(&server, "public");
    let claim = claim_new(&store).await;
    server.sql(
        "CREATE TABLE other (id int);
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN LOCK TABLE public.other IN EXCLUSIVE MODE; RETURN NEW; END';
         CREATE TRIGGER slow AFTER UPDATE ON idem_records FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let mut holder = pool.begin().await.unwrap();
    // The server cancels the transaction whose deadlock timeout ends first.
    sqlx::query("SET LOCAL deadlock_timeout = '1 h'").execute(&mut *holder).await.unwrap();
    sqlx::query("LOCK TABLE other IN EXCLUSIVE MODE").execute(&mut *holder).await.unwrap();
    let completing = tokio::spawn({
        let store = store.clone();
        async move { store.complete(claim, completion("late"), HOUR).await }
    });
    server.until(BLOCKED, |blocked| blocked == "1");
    let locking = tokio::spawn(async move {
        let lock = "SELECT id FROM idem_records FOR UPDATE";
        sqlx::query(lock).execute(&mut *holder).await.unwrap();
        holder.rollback().await.unwrap();
    });
    // The server checks for a deadlock once, at the deadlock timeout. If the holder is not waiting before
    // that, the limit for locks or for statements ends the wait, with the same result.
    assert_eq!(error_kind(completing.await.unwrap()), StoreErrorKind::NotDone);
    locking.await.unwrap();
    assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
}

/// Stricter isolation levels cause serialization failures. They are "not done", and one claim wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_aborts_statement_serialization_failures() {
    for level in ["repeatable read", "serializable"] {
        let setting = format!("default_transaction_isolation={level}");
        let server = PostgresServer::start(&[&setting]);
        let store = store(&server).await;
        for _ in 0..20 {
            let id = new_id();
            let mut claims = JoinSet::new();
            for _ in 0..8 {
                let store = store.clone();
                claims.spawn(async move { store.claim(id, request()).await });
            }
            let mut won = 0;
            for answer in claims.join_all().await {
                match answer {
                    Ok(ClaimOutcome::Acquired(_)) => won += 1,
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.kind(), StoreErrorKind::NotDone, "{error:?}"),
                }
            }
            assert_eq!(won, 1, "{level}");
        }
    }
}

/// Handlers can use the whole pool. Calls are then refused, and nothing is stuck.
#[tokio::test]
async fn fault_postgres_pool_exhausted_is_not_done() {
    let server = PostgresServer::start(&[]);
    let options = sqlx::postgres::PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(2));
    // On a busy machine, calls can wait longer for a connection that is free.
    let in_time = "reply within the limit";
    let opened = async || options.clone().connect(&server.url()).await.ok();
    let pool = eventually("connection within the limit", opened).await;
    let opened = async || builder().on_pool(pool.clone()).await.ok();
    let store = eventually("connection within the limit", opened).await;
    let (id, request) = (new_id(), request());
    let claimed = eventually(in_time, async || store.claim(id, request.clone()).await.ok()).await;
    let ClaimOutcome::Acquired(claim) = claimed else { panic!("{claimed:?}") };
    let mut taken = Vec::new();
    while taken.len() < 2 {
        taken.push(eventually("free connection", async || pool.acquire().await.ok()).await);
    }
    let refused = store.claim(new_id(), request.clone()).await;
    assert_eq!(error_kind(refused), StoreErrorKind::NotDone);
    // Renewals have their own connections.
    let renewed = eventually(in_time, async || store.renew(claim, HOUR, HOUR).await.ok()).await;
    assert_eq!(renewed, Update::Applied);
    drop(taken);
    let complete = async || store.complete(claim, completion("kept"), HOUR).await.ok();
    assert_eq!(eventually(in_time, complete).await, Update::Applied);
}

#[tokio::test]
async fn fault_postgres_server_unusable_too_many_connections() {
    let settings = ["max_connections=8", "superuser_reserved_connections=3", "max_wal_senders=0"];
    let server = PostgresServer::start(&settings);
    server.sql("CREATE ROLE app LOGIN");
    let options = sqlx::postgres::PgPoolOptions::new().max_connections(5);
    let others = options.connect(&server.url().replace("postgres@", "app@")).await.unwrap();
    server.sql(&builder().migration_sql().unwrap());
    server.sql("GRANT ALL ON idem_records, idem_records_scopes, idem_records_schema, idem_records_audit TO app");
    let url = server.url().replace("postgres@", "app@");
    let builder = builder().max_connections(1).wait_timeout(Duration::from_secs(2));
    let store = connect(&builder, &url).await;
    let (id, request) = (new_id(), request());
    let claim = async || store.claim(id, request.clone()).await.ok();
    let claimed = eventually("reply within the limit", claim).await;
    let ClaimOutcome::Acquired(claim) = claimed else { panic!("{claimed:?}") };
    // Its only connection is closed, and other clients take every slot. The test itself needs those for superusers.
    let own = "pg_stat_activity WHERE query LIKE '%_claim_3%' AND pid <> pg_backend_pid()";
    server.sql(&format!("SELECT count(pg_terminate_backend(pid)) FROM {own}"));
    server.until(&format!("SELECT count(*) FROM {own}"), |open| open == "0");
    let mut taken = Vec::new();
    eventually("use of every slot", async || {
        let used = server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'");
        if used == "5" {
            return Some(());
        }
        taken.extend(PgConnection::connect(&url).await.ok());
        None
    })
    .await;
    drop(store.claim(new_id(), request.clone()).await);
    let refused = store.claim(new_id(), request.clone()).await;
    assert_eq!(error_kind(refused), StoreErrorKind::NotDone);
    for connection in taken {
        connection.close().await.unwrap();
    }
    others.close().await;
    let complete = async || store.complete(claim, completion("kept"), HOUR).await.ok();
    assert_eq!(eventually("free slot", complete).await, Update::Applied);
}

/// The server becomes read-only, as after a switchover that keeps the address.
#[tokio::test]
async fn fault_postgres_server_unusable_read_only() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let claim = claim_new(&store).await;
    server.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    server.sql("SELECT pg_reload_conf()");
    let refused = async || store.claim(new_id(), request()).await.err();
    eventually("refusal of the read-only server", refused).await;
    for answer in [
        store.claim(new_id(), request()).await.map(drop),
        store.complete(claim, completion("late"), HOUR).await.map(drop),
        store.renew(claim, HOUR, HOUR).await.map(drop),
        store.release(claim).await.map(drop),
    ] {
        assert_eq!(error_kind(answer), StoreErrorKind::NotDone);
    }
}

/// A deleted record is not created again. A damaged record is reported and never overwritten.
#[tokio::test]
async fn fault_record_changed_externally_deleted_or_damaged() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let claim = claim_new(&store).await;
    server.sql("DELETE FROM idem_records");
    assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Stale(None));
    assert_eq!(store.complete(claim, completion("late"), HOUR).await.unwrap(), Update::Stale(None));
    assert_eq!(store.release(claim).await.unwrap(), Update::Stale(None));

    let damages = [
        "answer = substr(answer, 2)",
        "answer = set_bit(answer, 90, 1 - get_bit(answer, 90))",
        "state = 9",
        "format = 3",
        "guarantee = 9",
    ];
    for damage in damages {
        let claim = claim_new(&store).await;
        assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
        server.sql(&format!("UPDATE idem_records SET {damage}"));
        for _ in 0..2 {
            let read = store.claim(claim.id, request()).await;
            assert_eq!(error_kind(read), StoreErrorKind::Corrupt, "{damage}");
        }
        server.sql("DELETE FROM idem_records");
    }
}
