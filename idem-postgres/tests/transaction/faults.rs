//! Broken connections, and a server that stops or aborts transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use idem_conformance::{Fault, FaultStore, Kind};
use idem_core::http::Served;
use idem_core::store::OpenOutcome;
use idem_core::store::{
    ClaimRequest, IdempotencyStore, RecordId, StoreError, StoreErrorKind, TransactionSlot,
};
use idem_core::{Guarantee, Idempotency, Policy, Rejection};
use idem_postgres::Tx;
use idem_postgres::sqlx;
use idem_testkit::dropped_after;
use idem_testkit::servers::{PostgresServer, Proxy, eventually};
use tokio::task::JoinSet;

use crate::support::{
    CLAIMS, NO_WAIT, OPEN_TRANSACTIONS, Reply, assert_executed, assert_replayed, builder, call,
    counts, expected, server, service, service_on, write_and_return, write_effect,
};

fn url(proxy: &Proxy) -> String {
    format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_commit_reply_lost_is_success() {
    let server = server(&[]);
    let proxy = Proxy::before(server.port()).await;
    let service = service(&url(&proxy)).await;
    for status in [201, 402] {
        let key = status.to_string();
        proxy.cut_after("COMMIT");
        let reply = call(&service, &NO_WAIT, &key, move |tx| write_and_return(tx, status)).await;
        assert_executed(&reply, status);
        let again = call(&service, &NO_WAIT, &key, |tx| write_and_return(tx, 500)).await;
        assert_replayed(&again, status);
    }
    assert_eq!(counts(&server), expected("1", "2 of 2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_commit_not_applied_is_not_success() {
    let server = server(&[]);
    let proxy = Proxy::before(server.port()).await;
    let service = service(&url(&proxy)).await;
    proxy.cut_before("COMMIT");
    let reply = call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await;
    assert!(matches!(reply, Err(Rejection::NotCommitted(_))), "{reply:?}");
    assert_eq!(counts(&server), expected("0", "0 of 0"));
    assert_executed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await, 201);
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}

/// Ends a run while the store does not reply to ends. Opening its transaction can exceed the short limit of `impatient` on a
/// busy machine, and is then repeated.
async fn end_without_reply(
    server: &PostgresServer,
    impatient: &Idempotency,
    key: &str,
    status: u16,
) -> Reply {
    loop {
        let reply = call(impatient, &NO_WAIT, key, move |tx| write_and_return(tx, status)).await;
        server.until(CLAIMS, |claims| claims == "0");
        if !matches!(reply, Err(Rejection::StoreUnavailable(_))) {
            return reply;
        }
    }
}

/// The store applies the end of a transaction or not, and sends no reply. The caller gets an unknown result, and
/// its retry gets the true one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_commit_reply_lost_or_commit_not_applied() {
    let server = server(&[]);
    let store = builder().connect(&server.url()).await.unwrap();
    let service = service_on(store.clone());
    let (store, faults) = FaultStore::new(store);
    let impatient = Idempotency::builder(store).store_timeout(Duration::from_secs(1)).build();
    for (fault, kept) in [(Fault::NoReply, true), (Fault::Hang, false)] {
        for status in [201, 402] {
            let key = format!("{fault:?} {status}");
            faults.inject(Kind::ENDS, fault);
            let reply = end_without_reply(&server, &impatient, &key, status).await;
            let unknown = |error: &StoreError| error.kind() == StoreErrorKind::Unknown;
            let is_unknown =
                matches!(&reply, Err(Rejection::NotCommitted(error)) if unknown(error));
            assert!(is_unknown, "{key}: {reply:?}");
            faults.heal();
            let again =
                call(&service, &NO_WAIT, &key, move |tx| write_and_return(tx, status)).await;
            if kept { assert_replayed(&again, status) } else { assert_executed(&again, status) }
        }
    }
    assert_eq!(counts(&server), expected("2", "4 of 4"));
}

/// The caller gets its response even if the store sends no reply to the rollback.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn response_is_returned_if_the_rollback_gets_no_reply() {
    let server = server(&[]);
    let (store, faults) = FaultStore::new(builder().connect(&server.url()).await.unwrap());
    let impatient = Idempotency::builder(store).store_timeout(Duration::from_secs(1)).build();
    faults.inject(Kind::ENDS, Fault::Hang);
    assert_executed(&end_without_reply(&server, &impatient, "k", 500).await, 500);
    assert_eq!(counts(&server), expected("0", "0 of 0"));
}

/// Connections are terminated at random times. Every response is true, and effects match completed records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_backend_terminated_in_transaction() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let ended = Arc::new(AtomicU32::new(0));
    let mut workers = JoinSet::new();
    for worker in 0..6 {
        let (service, ended) = (service.clone(), Arc::clone(&ended));
        workers.spawn(async move {
            let mut n = 0;
            // On a busy machine, the runs can be faster than the ends of connections.
            while n < 30 || ended.load(Ordering::SeqCst) <= 8 {
                let key = format!("{worker}-{n}");
                let trying = |mut tx: Tx| async move {
                    if write_effect(&mut tx).await.is_ok() { 201 } else { 500 }
                };
                loop {
                    match call(&service, &NO_WAIT, &key, trying).await {
                        Ok(Served::Executed(201) | Served::Replayed(_)) => break,
                        Ok(Served::Executed(500)) | Err(_) => {}
                        Ok(other) => panic!("{other:?}"),
                    }
                }
                n += 1;
            }
            n
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
    assert_eq!(counts(&server), expected(&runs.to_string(), &format!("{runs} of {runs}")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_restarts_under_load_in_transaction() {
    let mut server = server(&[]);
    let service = service(&server.url()).await;
    let is_stopped = Arc::new(AtomicBool::new(false));
    let mut workers = JoinSet::new();
    for worker in 0..6 {
        let (service, is_stopped) = (service.clone(), Arc::clone(&is_stopped));
        workers.spawn(async move {
            let mut acknowledged = 0;
            for n in 0.. {
                if is_stopped.load(Ordering::SeqCst) {
                    break;
                }
                let key = format!("{worker}-{n}");
                let trying = |mut tx: Tx| async move {
                    if write_effect(&mut tx).await.is_ok() { 201 } else { 500 }
                };
                match call(&service, &NO_WAIT, &key, trying).await {
                    Ok(Served::Executed(201)) => acknowledged += 1,
                    _ => break,
                }
            }
            acknowledged
        });
    }
    server.until("SELECT count(*) > 100 FROM effect", |enough| enough == "t");
    server.stop_immediately();
    is_stopped.store(true, Ordering::SeqCst);
    server.restart();
    // Their store waits until the server is back.
    let acknowledged: u64 = workers.join_all().await.into_iter().sum();
    let (effects, completed) = counts(&server);
    let kept: u64 = effects.parse().unwrap();
    assert!(kept >= acknowledged, "{kept} effects, but {acknowledged} were acknowledged");
    assert_eq!(completed, format!("{kept} of {kept}"));
}

/// The server ends a transaction that is idle for too long.
#[tokio::test]
async fn fault_postgres_aborts_statement_idle_in_transaction() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let idle = |mut tx: Tx| async move {
        write_effect(&mut tx).await.unwrap();
        // Only this transaction has a limit, which a healthy one can exceed on a busy machine.
        let limit = "SET LOCAL idle_in_transaction_session_timeout = '200ms'";
        sqlx::query(limit).execute(&mut *tx).await.unwrap();
        while sqlx::query("SELECT pg_sleep(0)").execute(&mut *tx).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        500
    };
    assert_executed(&call(&service, &NO_WAIT, "k", idle).await, 500);
    assert_eq!(counts(&server), expected("0", "0 of 0"));
    assert_executed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await, 201);
    assert_eq!(server.sql(OPEN_TRANSACTIONS), "0");
}

/// A conflict that is found at the commit rolls everything back and frees the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_aborts_statement_serialization_failure_at_commit() {
    let server = server(&["default_transaction_isolation=serializable"]);
    server.sql("CREATE TABLE counter (n int); INSERT INTO counter VALUES (0)");
    let service = service(&server.url()).await;
    let mut workers = JoinSet::new();
    for worker in 0..6 {
        let service = service.clone();
        workers.spawn(async move {
            let counting = |mut tx: Tx| async move {
                let counted = async {
                    let read = sqlx::query_scalar::<_, i32>("SELECT n FROM counter");
                    let n = read.fetch_one(&mut *tx).await?;
                    let update = sqlx::query("UPDATE counter SET n = $1").bind(n + 1);
                    update.execute(&mut *tx).await
                };
                if counted.await.is_ok() { 201 } else { 503 }
            };
            for n in 0..10 {
                let key = format!("{worker}-{n}");
                while !matches!(
                    call(&service, &NO_WAIT, &key, counting).await,
                    Ok(Served::Executed(201) | Served::Replayed(_))
                ) {}
            }
        });
    }
    workers.join_all().await;
    assert_eq!(server.sql("SELECT n FROM counter"), "60");
    assert_eq!(counts(&server), expected("0", "60 of 60"));
}

/// Opening a transaction is dropped after its n-th poll, for each n until it finishes. No connection returns to
/// the pool inside the transaction, and the key is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_store_call_cancelled_while_opening_transaction() {
    let server = server(&[]);
    let store = builder().max_connections(2).connect(&server.url()).await.unwrap();
    let service = service_on(store.clone());
    let policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);
    for polls in 0.. {
        let id = RecordId::from_bytes(rand::random());
        let open = || {
            let transactions = store.transactions().expect("the store supports transactions");
            transactions.open(id, ClaimRequest::new(&policy), TransactionSlot::default())
        };
        let opened = dropped_after(polls, open()).await;
        server.until(OPEN_TRANSACTIONS, |open| open == "0");
        // The dropped call ends in the background, and then the key is free.
        eventually("free key", async || {
            let exists = matches!(open().await.unwrap(), OpenOutcome::Exists(_));
            (!exists).then_some(())
        })
        .await;
        let key = polls.to_string();
        assert_executed(&call(&service, &NO_WAIT, &key, |tx| write_and_return(tx, 201)).await, 201);
        if opened {
            break;
        }
        assert!(polls < 1_000, "opening does not finish");
    }
    let (effects, records) = counts(&server);
    assert_eq!(records, format!("{effects} of {effects}"));
}
