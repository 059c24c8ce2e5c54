//! Duplicates of a run in its transaction: they hold no connection, and there is one effect.

use std::sync::Arc;

use idem_core::Rejection;
use idem_core::http::Served;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{
    NO_WAIT, OPEN_TRANSACTIONS, Reply, WAITING, assert_executed, assert_replayed, builder, call,
    counts, expected, server, service, service_on, write_and_return,
};

/// 200 duplicates arrive at two processes with four connections each, while the first run is in its
/// transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_concurrent_duplicates_start_one_run() {
    let server = server(&[]);
    let builder = builder().max_connections(4);
    let mut processes = Vec::new();
    for _ in 0..2 {
        let store = builder.clone().connect(&server.url()).await.unwrap();
        processes.push(service_on(store));
    }
    let gate = Arc::new(Semaphore::new(0));
    let mut replies: JoinSet<Reply> = JoinSet::new();
    for n in 0..200 {
        let (service, gate) = (processes[n % 2].clone(), Arc::clone(&gate));
        replies.spawn(async move {
            call(&service, &NO_WAIT, "k", |tx| async move {
                gate.acquire().await.unwrap().forget();
                write_and_return(tx, 201).await
            })
            .await
        });
    }
    for _ in 0..199 {
        let refused = replies.join_next().await.unwrap().unwrap();
        assert!(matches!(refused, Err(Rejection::InProgress)), "{refused:?}");
    }
    server.until(OPEN_TRANSACTIONS, |open| open == "1");
    gate.add_permits(1);
    assert_executed(&replies.join_next().await.unwrap().unwrap(), 201);
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}

/// Waiting duplicates get the response of the first run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_duplicates_hold_no_connection() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let gate = Arc::new(Semaphore::new(0));
    let mut replies: JoinSet<Reply> = JoinSet::new();
    for _ in 0..30 {
        let (service, gate) = (service.clone(), Arc::clone(&gate));
        replies.spawn(async move {
            call(&service, &WAITING, "k", |tx| async move {
                gate.acquire().await.unwrap().forget();
                write_and_return(tx, 201).await
            })
            .await
        });
    }
    server.until(OPEN_TRANSACTIONS, |open| open == "1");
    gate.add_permits(1);
    let (mut executed, mut replayed) = (0, 0);
    while let Some(reply) = replies.join_next().await {
        match reply.unwrap().unwrap() {
            Served::Executed(_) => executed += 1,
            Served::Replayed(_) => replayed += 1,
        }
    }
    assert_eq!((executed, replayed), (1, 29));
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}

/// The first run is rolled back, and one of the waiting requests runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_key_freed_while_waiting_after_rollback() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let runs = Arc::new(std::sync::atomic::AtomicU16::new(0));
    let mut replies: JoinSet<Reply> = JoinSet::new();
    for _ in 0..20 {
        let (service, runs) = (service.clone(), Arc::clone(&runs));
        replies.spawn(async move {
            call(&service, &WAITING, "k", |tx| async move {
                let run = runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                write_and_return(tx, if run == 0 { 500 } else { 201 }).await
            })
            .await
        });
    }
    let mut statuses = Vec::new();
    while let Some(reply) = replies.join_next().await {
        statuses.push(match reply.unwrap().unwrap() {
            Served::Executed(status) => status,
            Served::Replayed(answer) => answer.status,
        });
    }
    statuses.sort_unstable();
    assert_eq!(statuses[18..], [201, 500], "one client gets the failure");
    assert_eq!(runs.load(std::sync::atomic::Ordering::SeqCst), 2);
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}

/// A run that ends with a 402 frees the key for a moment before its response is stored. If another request claims the key in
/// between, its result counts, and all clients get it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_refusals_leave_one_result() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    for round in 0..20 {
        let key = format!("k{round}");
        let mut replies: JoinSet<Reply> = JoinSet::new();
        for n in 0..8_u16 {
            let (service, key) = (service.clone(), key.clone());
            replies.spawn(async move {
                call(&service, &WAITING, &key, move |tx| write_and_return(tx, 400 + n % 2 * 2))
                    .await
            });
        }
        let mut executed = Vec::new();
        let mut statuses = Vec::new();
        while let Some(reply) = replies.join_next().await {
            match reply.unwrap() {
                Ok(Served::Executed(status)) => executed.push(status),
                Ok(Served::Replayed(answer)) => statuses.push(answer.status),
                Err(refused) => assert!(matches!(refused, Rejection::InProgress), "{refused:?}"),
            }
        }
        assert_eq!(executed.len(), 1, "one result is accepted");
        assert!(statuses.iter().all(|status| *status == executed[0]), "{executed:?} {statuses:?}");
        assert_replayed(
            &call(&service, &NO_WAIT, &key, |tx| write_and_return(tx, 201)).await,
            executed[0],
        );
    }
    assert_eq!(counts(&server), expected("0", "20 of 20"));
}
