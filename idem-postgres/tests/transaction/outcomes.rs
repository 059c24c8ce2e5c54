//! The effect of a handler's outcome on its transaction.

use std::time::Duration;

use idem_core::{Guarantee, Policy, Rejection};
use idem_postgres::sqlx::{self, Connection, PgConnection};

use crate::support::{
    CLAIMS, NO_WAIT, OPEN_TRANSACTIONS, assert_executed, assert_replayed, call, counts, expected,
    server, service, service_on, write_and_return, write_effect,
};

#[tokio::test]
async fn success_commits_writes_and_record() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    for status in [200, 201, 303] {
        let key = status.to_string();
        let first = call(&service, &NO_WAIT, &key, move |tx| write_and_return(tx, status)).await;
        assert_executed(&first, status);
        let again = call(&service, &NO_WAIT, &key, |tx| write_and_return(tx, 500)).await;
        assert_replayed(&again, status);
    }
    assert_eq!(counts(&server), expected("3", "3 of 3"));
}

#[tokio::test]
async fn final_refusal_is_stored_and_its_writes_are_rolled_back() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    for status in [400, 402, 404, 409, 422] {
        let key = status.to_string();
        let first = call(&service, &NO_WAIT, &key, move |tx| write_and_return(tx, status)).await;
        assert_executed(&first, status);
        let again = call(&service, &NO_WAIT, &key, |tx| write_and_return(tx, 200)).await;
        assert_replayed(&again, status);
    }
    assert_eq!(counts(&server), expected("0", "5 of 5"));
}

/// A violated unique constraint aborts the transaction. The handler returns 409, which is stored and replayed.
#[tokio::test]
async fn refusal_after_a_failed_statement_is_stored() {
    let server = server(&[]);
    server.sql("CREATE UNIQUE INDEX ON effect (key)");
    let service = service(&server.url()).await;
    assert_executed(&call(&service, &NO_WAIT, "one", |tx| write_and_return(tx, 201)).await, 201);
    let conflicting = |mut tx: idem_postgres::Tx| async move {
        if write_effect(&mut tx).await.is_err() { 409 } else { 201 }
    };
    assert_executed(&call(&service, &NO_WAIT, "two", conflicting).await, 409);
    assert_replayed(&call(&service, &NO_WAIT, "two", conflicting).await, 409);
    assert_eq!(counts(&server), expected("1", "2 of 2"));
}

#[tokio::test]
async fn ambiguous_and_not_executed_runs_leave_nothing() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    for status in [500, 502, 504, 401, 429, 503] {
        let reply = call(&service, &NO_WAIT, "k", move |tx| write_and_return(tx, status)).await;
        assert_executed(&reply, status);
        assert_eq!(counts(&server), expected("0", "0 of 0"), "{status}");
    }
    assert_executed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await, 201);
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panic_leaves_nothing() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let panicking = |mut tx: idem_postgres::Tx| async move {
        write_effect(&mut tx).await.unwrap();
        panic!("during the run")
    };
    assert_executed(&call(&service, &NO_WAIT, "k", panicking).await, 500);
    assert_eq!(counts(&server), expected("0", "0 of 0"));
    server.until(OPEN_TRANSACTIONS, |open| open == "0");
    assert_executed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await, 201);
}

/// A handler that exceeds `max_run` is dropped during a query. The key becomes free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_longer_than_max_run_leaves_nothing() {
    static SHORT_RUN: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce)
        .with_max_run(Duration::from_secs(2));
    let server = server(&[]);
    server.sql("CREATE TABLE blocked ()");
    let service = service(&server.url()).await;
    let mut other = PgConnection::connect(&server.url()).await.unwrap();
    let mut blocking = other.begin().await.unwrap();
    sqlx::query("LOCK TABLE blocked").execute(&mut *blocking).await.unwrap();
    let waiting = |mut tx: idem_postgres::Tx| async move {
        write_effect(&mut tx).await.unwrap();
        sqlx::query("LOCK TABLE blocked").execute(&mut *tx).await.unwrap();
        200
    };
    let states =
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock') || ' of '
             || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')";
    loop {
        let reply = call(&service, &SHORT_RUN, "k", waiting).await;
        assert!(matches!(reply, Err(Rejection::NotCommitted(_))), "{reply:?}");
        // On a busy machine, the handler can be dropped before its query waits for the lock.
        server.until(states, |states| ["1 of 1", "0 of 0"].contains(&states));
        if server.sql(states) == "1 of 1" {
            break;
        }
    }
    // The key stays claimed while the server executes the query.
    let held = call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await;
    assert!(matches!(held, Err(Rejection::InProgress)), "{held:?}");
    blocking.rollback().await.unwrap();
    server.until(CLAIMS, |claims| claims == "0");
    assert_executed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await, 201);
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}

/// The caller is dropped during the run. The run continues, as under the other guarantees, and commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_commits_after_its_caller_is_dropped() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let (started, resume) =
        (tokio::sync::oneshot::channel(), tokio::sync::oneshot::channel::<()>());
    let run = {
        let service = service.clone();
        tokio::spawn(async move {
            call(&service, &NO_WAIT, "k", |mut tx| async move {
                write_effect(&mut tx).await.unwrap();
                started.0.send(()).unwrap();
                resume.1.await.unwrap();
                write_effect(&mut tx).await.unwrap();
                201
            })
            .await
        })
    };
    started.1.await.unwrap();
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    resume.0.send(()).unwrap();
    assert_eq!(service.drain(Duration::from_secs(60)).await, idem_core::Drained::Finished);
    assert_eq!(counts(&server), expected("2", "1 of 1"));
}

#[tokio::test]
async fn nested_transactions_are_savepoints() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let nesting = |mut tx: idem_postgres::Tx| async move {
        let mut kept = tx.begin().await.unwrap();
        write_effect(&mut kept).await.unwrap();
        kept.commit().await.unwrap();
        let mut undone = tx.begin().await.unwrap();
        write_effect(&mut undone).await.unwrap();
        undone.rollback().await.unwrap();
        let mut dropped = tx.begin().await.unwrap();
        write_effect(&mut dropped).await.unwrap();
        drop(dropped);
        201
    };
    assert_executed(&call(&service, &NO_WAIT, "k", nesting).await, 201);
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}

/// The ttl counts from the completion, not from the start of the transaction.
#[tokio::test]
async fn ttl_counts_from_the_completion() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    server.sql("CREATE TABLE timestamps (at timestamptz NOT NULL)");
    let writing = async |mut tx: idem_postgres::Tx| {
        write_effect(&mut tx).await.unwrap();
        let insert = sqlx::query("INSERT INTO timestamps VALUES (clock_timestamp())");
        insert.execute(&mut *tx).await.unwrap();
        201
    };
    assert_executed(&call(&service, &NO_WAIT, "k", writing).await, 201);
    let later = "SELECT expires_at > at + interval '1 hour' FROM idem_records, timestamps";
    assert_eq!(server.sql(later), "t");
}

/// An expired record that is still in the table does not block a claim.
#[tokio::test]
async fn expired_record_is_claimed_again() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    assert_executed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await, 201);
    server.sql("UPDATE idem_records SET expires_at = now(), sweep_at = now()");
    assert_executed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 402)).await, 402);
    assert_replayed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await, 402);
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}

#[tokio::test]
async fn transactions_have_the_isolation_level_of_the_builder() {
    use idem_postgres::IsolationLevel;
    let server = server(&[]);
    for (level, name) in [
        (IsolationLevel::ReadCommitted, "read committed"),
        (IsolationLevel::RepeatableRead, "repeatable read"),
        (IsolationLevel::Serializable, "serializable"),
    ] {
        let store = crate::support::builder().transaction_isolation(level);
        let service = service_on(store.connect(&server.url()).await.unwrap());
        let reading = move |mut tx: idem_postgres::Tx| async move {
            let level = idem_postgres::sqlx::query_scalar("SHOW transaction_isolation");
            let level: String = level.fetch_one(&mut *tx).await.unwrap();
            if level == name { 201 } else { 500 }
        };
        assert_executed(&call(&service, &NO_WAIT, name, reading).await, 201);
    }
}
