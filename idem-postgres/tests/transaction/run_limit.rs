//! The limits on concurrent runs, with handlers that take a transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idem_core::http::Scope;
use idem_core::{Idempotency, IdempotencyBuilder, Rejection};
use idem_testkit::servers::{PostgresServer, soon};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::support::{
    NO_WAIT, OPEN_TRANSACTIONS, Reply, assert_executed, assert_replayed, builder, call_in, counts,
    expected, server, write_and_return,
};

async fn limited(
    server: &PostgresServer,
    limit: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
) -> Idempotency {
    let store = builder().connect(&server.url()).await.unwrap();
    // Longer than a busy server needs.
    limit(Idempotency::builder(store).store_timeout(Duration::from_secs(60))).build()
}

async fn pay(service: &Idempotency, scope: &str, key: &str) -> Reply {
    let handler = |tx| write_and_return(tx, 201);
    call_in(Scope::of(scope), service, &NO_WAIT, key, handler).await
}

/// Starts a run that has its transaction, and ends after `end` is notified.
async fn start(
    service: &Idempotency,
    scope: &str,
    key: &str,
    end: &Arc<Notify>,
) -> JoinHandle<Reply> {
    let (service, scope, key) = (service.clone(), Scope::of(scope), key.to_owned());
    let (begun, end) = (Arc::new(Notify::new()), Arc::clone(end));
    let begins = Arc::clone(&begun);
    let run = tokio::spawn(async move {
        let handler = move |tx| async move {
            begins.notify_one();
            end.notified().await;
            write_and_return(tx, 201).await
        };
        call_in(scope, &service, &NO_WAIT, &key, handler).await
    });
    soon("start of the run", begun.notified()).await;
    run
}

fn assert_too_many(reply: &Reply) {
    assert!(matches!(reply, Err(Rejection::TooManyRuns)), "{reply:?}");
}

#[tokio::test]
async fn run_in_transaction_takes_a_place() {
    let server = server(&[]);
    let service = limited(&server, |builder| builder.max_runs(1)).await;
    assert_executed(&pay(&service, "acme", "done").await, 201);
    let end = Arc::new(Notify::new());
    let running = start(&service, "acme", "running", &end).await;

    assert_replayed(&pay(&service, "acme", "done").await, 201);
    assert_too_many(&pay(&service, "acme", "new").await);
    assert_too_many(&pay(&service, "globex", "new").await);
    // The record of an open transaction is not visible.
    assert_too_many(&pay(&service, "acme", "running").await);
    end.notify_one();
    assert_executed(&running.await.unwrap(), 201);
    assert_replayed(&pay(&service, "acme", "running").await, 201);
    assert_executed(&pay(&service, "acme", "new").await, 201);
    assert_eq!(counts(&server), expected("3", "3 of 3"));
}

#[tokio::test]
async fn run_in_transaction_takes_a_place_of_its_scope() {
    let server = server(&[]);
    let service = limited(&server, |builder| builder.max_runs_per_scope(1)).await;
    let end = Arc::new(Notify::new());
    let running = start(&service, "acme", "running", &end).await;

    assert_too_many(&pay(&service, "acme", "new").await);
    assert_executed(&pay(&service, "globex", "new").await, 201);
    end.notify_one();
    assert_executed(&running.await.unwrap(), 201);
    assert_executed(&pay(&service, "acme", "new").await, 201);
    assert_eq!(counts(&server), expected("3", "3 of 3"));
}

/// Two requests find a place, and then open their transactions. The one whose transaction is opened last is refused,
/// and its transaction is rolled back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transaction_without_a_place_is_rolled_back() {
    let server = server(&[]);
    let service = limited(&server, |builder| builder.max_runs(1)).await;
    let (refused, runs) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let send = async |key: &str| {
        let (end, runs) = (Arc::clone(&refused), Arc::clone(&runs));
        let handler = move |tx| async move {
            // A second run would let both of them end.
            match runs.fetch_add(1, Ordering::SeqCst) {
                0 => end.notified().await,
                _ => end.notify_one(),
            }
            write_and_return(tx, 201).await
        };
        let reply = call_in(Scope::of("acme"), &service, &NO_WAIT, key, handler).await;
        if reply.is_err() {
            refused.notify_one();
        }
        (key.to_owned(), reply)
    };
    let mut replies: [(String, Reply); 2] = tokio::join!(send("one"), send("two")).into();
    replies.sort_by_key(|(_, reply)| reply.is_err());
    let [(_, executed), (key, too_many)] = replies;
    assert_executed(&executed, 201);
    assert_too_many(&too_many);
    server.until(OPEN_TRANSACTIONS, |open| open == "0");
    assert_eq!(counts(&server), expected("1", "1 of 1"));
    assert_executed(&pay(&service, "acme", &key).await, 201);
}
