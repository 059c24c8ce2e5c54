//! Connections that break, and a server that goes.

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
use idem_testkit::servers::Proxy;
use tokio::task::JoinSet;

use crate::support::{
    AT_ONCE, OPEN, answering, builder, call, effects, executed_with, found, replayed_with, server,
    service, write,
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
        let reply = call(&service, &AT_ONCE, &key, move |tx| answering(tx, status)).await;
        executed_with(&reply, status);
        let again = call(&service, &AT_ONCE, &key, |tx| answering(tx, 500)).await;
        replayed_with(&again, status);
    }
    assert_eq!(effects(&server), found("1", "2 of 2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_commit_not_applied_is_not_success() {
    let server = server(&[]);
    let proxy = Proxy::before(server.port()).await;
    let service = service(&url(&proxy)).await;
    proxy.cut_before("COMMIT");
    let reply = call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await;
    assert!(matches!(reply, Err(Rejection::NotCommitted(_))), "{reply:?}");
    assert_eq!(effects(&server), found("0", "0 of 0"));
    executed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await, 201);
    assert_eq!(effects(&server), found("1", "1 of 1"));
}

/// The store is silent about an end that it does, or does not do: the caller is told that nobody knows, and its
/// retry finds out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_commit_reply_lost_or_commit_not_applied() {
    let server = server(&[]);
    let (store, faults) = FaultStore::new(builder().connect(&server.url()).await.unwrap());
    let service = Idempotency::builder(store).store_timeout(Duration::from_secs(1)).build();
    for (fault, kept) in [(Fault::NoReply, true), (Fault::Hang, false)] {
        for status in [201, 402] {
            let key = format!("{fault:?} {status}");
            faults.inject(Kind::ENDS, fault);
            let reply = call(&service, &AT_ONCE, &key, move |tx| answering(tx, status)).await;
            let unknown = |error: &StoreError| error.kind() == StoreErrorKind::Unknown;
            let not_known = matches!(&reply, Err(Rejection::NotCommitted(error)) if unknown(error));
            assert!(not_known, "{key}: {reply:?}");
            faults.heal();
            server.until(OPEN, |open| open == "0");
            let again = call(&service, &AT_ONCE, &key, move |tx| answering(tx, status)).await;
            if kept { replayed_with(&again, status) } else { executed_with(&again, status) }
        }
    }
    assert_eq!(effects(&server), found("2", "4 of 4"));
}

/// What is rolled back is the caller's to know, whatever the store says to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roll_back_that_is_never_answered_hides_no_answer() {
    let server = server(&[]);
    let (store, faults) = FaultStore::new(builder().connect(&server.url()).await.unwrap());
    let service = Idempotency::builder(store).store_timeout(Duration::from_secs(1)).build();
    faults.inject(Kind::ENDS, Fault::Hang);
    executed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 500)).await, 500);
    server.until(OPEN, |open| open == "0");
    assert_eq!(effects(&server), found("0", "0 of 0"));
}

/// Connections end at any moment: every answer that a client got is true, and effects are completed records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_backend_terminated_in_transaction() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let mut workers = JoinSet::new();
    for worker in 0..6 {
        let service = service.clone();
        workers.spawn(async move {
            for n in 0..30 {
                let key = format!("{worker}-{n}");
                let trying = |mut tx: Tx| async move {
                    if write(&mut tx).await.is_ok() { 201 } else { 500 }
                };
                loop {
                    match call(&service, &AT_ONCE, &key, trying).await {
                        Ok(Served::Executed(201) | Served::Replayed(_)) => break,
                        Ok(Served::Executed(500)) | Err(_) => {}
                        Ok(other) => panic!("{other:?}"),
                    }
                }
            }
        });
    }
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let mut ended = 0;
    while !workers.is_empty() {
        ended += server.sql(others).parse::<u32>().unwrap();
        while let Some(done) = workers.try_join_next() {
            done.unwrap();
        }
    }
    assert!(ended > 8, "only {ended} connections were ended");
    assert_eq!(effects(&server), found("180", "180 of 180"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_restarts_under_load_in_transaction() {
    let mut server = server(&[]);
    let service = service(&server.url()).await;
    let mut workers = JoinSet::new();
    for worker in 0..6 {
        let service = service.clone();
        workers.spawn(async move {
            let mut told = 0;
            for n in 0.. {
                let key = format!("{worker}-{n}");
                let trying = |mut tx: Tx| async move {
                    if write(&mut tx).await.is_ok() { 201 } else { 500 }
                };
                match call(&service, &AT_ONCE, &key, trying).await {
                    Ok(Served::Executed(201)) => told += 1,
                    _ => break,
                }
            }
            told
        });
    }
    server.until("SELECT count(*) > 100 FROM effect", |enough| enough == "t");
    server.stop_immediately();
    let told: u64 = workers.join_all().await.into_iter().sum();
    server.restart();
    let (effects, completed) = effects(&server);
    let kept: u64 = effects.parse().unwrap();
    assert!(kept >= told, "{kept} of {told} that clients were told of");
    assert_eq!(completed, format!("{kept} of {kept}"));
}

/// The server ends a transaction whose handler does nothing for too long, and a deadlock ends one of two.
#[tokio::test]
async fn fault_postgres_aborts_statement_idle_in_transaction() {
    let server = server(&["idle_in_transaction_session_timeout=200ms"]);
    let service = service(&server.url()).await;
    let idle = |mut tx: Tx| async move {
        write(&mut tx).await.unwrap();
        while sqlx::query("SELECT pg_sleep(0)").execute(&mut *tx).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        500
    };
    executed_with(&call(&service, &AT_ONCE, "k", idle).await, 500);
    assert_eq!(effects(&server), found("0", "0 of 0"));
    executed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await, 201);
    assert_eq!(server.sql(OPEN), "0");
}

/// Conflicts that only the commit finds undo everything and free the key.
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
                    call(&service, &AT_ONCE, &key, counting).await,
                    Ok(Served::Executed(201) | Served::Replayed(_))
                ) {}
            }
        });
    }
    workers.join_all().await;
    assert_eq!(server.sql("SELECT n FROM counter"), "60");
    assert_eq!(effects(&server), found("0", "60 of 60"));
}

/// A transaction that nobody waits for any more, dropped after its n-th poll for every n that opening takes: no
/// connection comes back inside it, and the key is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_store_call_cancelled_while_opening_transaction() {
    let server = server(&[]);
    let builder = builder().max_connections(2).wait_timeout(Duration::from_secs(30));
    let store = builder.connect(&server.url()).await.unwrap();
    let service = Idempotency::new(store.clone());
    let policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);
    for polls in 0.. {
        let id = RecordId::from_bytes(rand::random());
        let open = || {
            let power = store.transactions().expect("it has the power");
            power.open(id, ClaimRequest::new(&policy), TransactionSlot::default())
        };
        let opened = dropped_after(polls, open()).await;
        server.until(OPEN, |open| open == "0");
        // Whatever the one that was dropped is at, it ends, and the key is free.
        while matches!(open().await.unwrap(), OpenOutcome::Exists(_)) {}
        let key = polls.to_string();
        executed_with(&call(&service, &AT_ONCE, &key, |tx| answering(tx, 201)).await, 201);
        if opened {
            break;
        }
        assert!(polls < 1_000, "opening takes too many polls");
    }
    let (effects, records) = effects(&server);
    assert_eq!(records, format!("{effects} of {effects}"));
}
