//! What the end of a handler does to its transaction.

use std::time::Duration;

use idem_core::{Guarantee, Policy, Rejection};
use idem_postgres::sqlx::{self, Connection};

use crate::support::{
    AT_ONCE, OPEN, answering, call, effects, executed_with, found, replayed_with, server, service,
    write,
};

#[tokio::test]
async fn success_commits_all_of_it() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    for status in [200, 201, 303] {
        let key = status.to_string();
        let first = call(&service, &AT_ONCE, &key, move |tx| answering(tx, status)).await;
        executed_with(&first, status);
        let again = call(&service, &AT_ONCE, &key, |tx| answering(tx, 500)).await;
        replayed_with(&again, status);
    }
    assert_eq!(effects(&server), found("3", "3 of 3"));
}

#[tokio::test]
async fn definite_refusal_stores_its_answer_and_undoes_its_writes() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    for status in [400, 402, 404, 409, 422] {
        let key = status.to_string();
        let first = call(&service, &AT_ONCE, &key, move |tx| answering(tx, status)).await;
        executed_with(&first, status);
        let again = call(&service, &AT_ONCE, &key, |tx| answering(tx, 200)).await;
        replayed_with(&again, status);
    }
    assert_eq!(effects(&server), found("0", "5 of 5"));
}

/// A unique constraint that fires, and that the handler answers with 409, spoils the transaction and is a
/// refusal all the same.
#[tokio::test]
async fn refusal_after_a_failed_statement_is_stored() {
    let server = server(&[]);
    server.sql("CREATE UNIQUE INDEX ON effect (key)");
    let service = service(&server.url()).await;
    executed_with(&call(&service, &AT_ONCE, "one", |tx| answering(tx, 201)).await, 201);
    let conflicting = |mut tx: idem_postgres::Tx| async move {
        if write(&mut tx).await.is_err() { 409 } else { 201 }
    };
    executed_with(&call(&service, &AT_ONCE, "two", conflicting).await, 409);
    replayed_with(&call(&service, &AT_ONCE, "two", conflicting).await, 409);
    assert_eq!(effects(&server), found("1", "2 of 2"));
}

#[tokio::test]
async fn ambiguous_and_unexecuted_ends_leave_nothing() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    for status in [500, 502, 504, 401, 429, 503] {
        let reply = call(&service, &AT_ONCE, "k", move |tx| answering(tx, status)).await;
        executed_with(&reply, status);
        assert_eq!(effects(&server), found("0", "0 of 0"), "{status}");
    }
    executed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await, 201);
    assert_eq!(effects(&server), found("1", "1 of 1"));
}

#[tokio::test]
async fn panic_leaves_nothing() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let panicking = |mut tx: idem_postgres::Tx| async move {
        write(&mut tx).await.unwrap();
        panic!("in mid-run")
    };
    executed_with(&call(&service, &AT_ONCE, "k", panicking).await, 500);
    assert_eq!(effects(&server), found("0", "0 of 0"));
    server.until(OPEN, |open| open == "0");
    executed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await, 201);
}

/// A handler that goes on beyond `max_run` is dropped in mid-query, and the key is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlong_run_leaves_nothing() {
    static BRIEF: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce)
        .with_max_run(Duration::from_millis(200));
    let server = server(&[]);
    let service = service(&server.url()).await;
    let sleeping = |mut tx: idem_postgres::Tx| async move {
        write(&mut tx).await.unwrap();
        sqlx::query("SELECT pg_sleep(2)").execute(&mut *tx).await.unwrap();
        200
    };
    let reply = call(&service, &BRIEF, "k", sleeping).await;
    assert!(matches!(reply, Err(Rejection::NotCommitted(_))), "{reply:?}");
    // As long as the server is at its query, the key is still claimed.
    let held = call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await;
    assert!(matches!(held, Err(Rejection::InProgress)), "{held:?}");
    let ended = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    server.until(ended, |locks| locks == "0");
    executed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await, 201);
    assert_eq!(effects(&server), found("1", "1 of 1"));
}

/// The caller leaves in mid-run: the run goes on, as under the other guarantees, and commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_whose_caller_leaves_commits() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let (began, go_on) = (tokio::sync::oneshot::channel(), tokio::sync::oneshot::channel::<()>());
    let run = {
        let service = service.clone();
        tokio::spawn(async move {
            call(&service, &AT_ONCE, "k", |mut tx| async move {
                write(&mut tx).await.unwrap();
                began.0.send(()).unwrap();
                go_on.1.await.unwrap();
                write(&mut tx).await.unwrap();
                201
            })
            .await
        })
    };
    began.1.await.unwrap();
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    go_on.0.send(()).unwrap();
    assert_eq!(service.drain(Duration::from_secs(60)).await, idem_core::Drained::Finished);
    assert_eq!(effects(&server), found("2", "1 of 1"));
}

/// Users nest transactions as they always do.
#[tokio::test]
async fn nested_transactions_are_savepoints() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let nesting = |mut tx: idem_postgres::Tx| async move {
        let mut kept = tx.begin().await.unwrap();
        write(&mut kept).await.unwrap();
        kept.commit().await.unwrap();
        let mut undone = tx.begin().await.unwrap();
        write(&mut undone).await.unwrap();
        undone.rollback().await.unwrap();
        let mut dropped = tx.begin().await.unwrap();
        write(&mut dropped).await.unwrap();
        drop(dropped);
        201
    };
    executed_with(&call(&service, &AT_ONCE, "k", nesting).await, 201);
    assert_eq!(effects(&server), found("1", "1 of 1"));
}

/// Counted from when it was committed, however long ago the transaction began.
#[tokio::test]
async fn ttl_counts_from_the_end() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    server.sql("CREATE TABLE noted (at timestamptz NOT NULL)");
    let noting = async |mut tx: idem_postgres::Tx| {
        write(&mut tx).await.unwrap();
        let note = sqlx::query("INSERT INTO noted VALUES (clock_timestamp())");
        note.execute(&mut *tx).await.unwrap();
        201
    };
    executed_with(&call(&service, &AT_ONCE, "k", noting).await, 201);
    let later = "SELECT expires_at > at + interval '1 hour' FROM idem_records, noted";
    assert_eq!(server.sql(later), "t");
}

/// An expired record is claimed anew; its place in the table is no reason to wait.
#[tokio::test]
async fn expired_record_is_claimed_anew() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    executed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await, 201);
    server.sql("UPDATE idem_records SET expires_at = now(), sweep_at = now()");
    executed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 402)).await, 402);
    replayed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await, 402);
    assert_eq!(effects(&server), found("1", "1 of 1"));
}
