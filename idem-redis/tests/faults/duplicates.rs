//! Concurrent duplicates through the engine, in one process and in two, with and without waiting.

use std::time::Duration;

use idem_conformance::contention::{self, Service, WAITING, send_duplicates};
use idem_core::http::Served;
use idem_core::store::IdempotencyStore;
use idem_testkit::servers::RedisServer;

use crate::support::{HOUR, calls, completion, key, key_name, store, won};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_concurrent_duplicates_start_one_run() {
    let server = RedisServer::start(&[]);
    contention::one_of_many_runs(store(&server).await, store(&server).await).await;
}

/// The subscription wakes the waiters. Polling alone would send far more commands. No waiter holds a
/// connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_many_waiters_on_one_key() {
    const WAITERS: usize = 2_000;
    let server = RedisServer::start(&[]);
    let service = Service::on(store(&server).await);
    let mut replies = send_duplicates(std::slice::from_ref(&service), &WAITING, WAITERS);
    server.until(&["info", "commandstats"], |_| {
        calls(&server).get("evalsha").is_some_and(|calls| *calls > 2 * WAITERS as u64)
    });
    let clients = server.cli(&["info", "clients"]);
    let connected = clients.lines().find_map(|line| line.strip_prefix("connected_clients:"));
    let connected: usize = connected.unwrap().trim().parse().unwrap();
    assert!(
        connected <= 5,
        "{connected} connections: of this command, of the service, of its subscription"
    );
    service.gate.add_permits(1);
    let mut replayed = 0;
    while let Some(reply) = replies.join_next().await {
        replayed += usize::from(matches!(reply.unwrap().unwrap(), Served::Replayed(_)));
    }
    assert_eq!((service.runs(), replayed), (1, WAITERS - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_key_freed_while_waiting_starts_one_waiter() {
    let server = RedisServer::start(&[]);
    contention::freed_key_lets_one_waiter_run(store(&server).await, store(&server).await).await;
}

/// Wake-ups continue after the subscription was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_subscription_is_restored() {
    let server = RedisServer::start(&[]);
    let service = Service::on(store(&server).await);
    for key in ["before", "after"] {
        let first = tokio::spawn(service.clone().send(&WAITING, key));
        let waiting = tokio::spawn(service.clone().send(&WAITING, key));
        let channels = ["pubsub", "numsub", "idem:default:changed"];
        server.until(&channels, |reply| reply.ends_with('1'));
        service.gate.add_permits(1);
        let served = [first.await.unwrap().unwrap(), waiting.await.unwrap().unwrap()];
        assert_eq!(served.iter().filter(|end| matches!(end, Served::Executed(()))).count(), 1);
        server.cli(&["client", "kill", "type", "pubsub"]);
        server.until(&channels, |reply| reply.ends_with('1'));
    }
    assert_eq!(service.runs(), 2);
}

/// The end of a marked record is published to a subscription that was active before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marked_record_is_published() {
    let server = RedisServer::start(&[]);
    let (store, other) = (store(&server).await, store(&server).await);
    store.changed(key()).await;
    let claim = won(&other).await;
    let changed = store.changed(claim.id);
    let mark = "return string.byte(redis.call('GETRANGE', KEYS[1], 15, 15))";
    server.until(&["eval", mark, "1", &key_name(claim.id)], |mark| mark == "1");
    drop(other.complete(claim, completion("done"), HOUR).await.unwrap());
    tokio::time::timeout(Duration::from_secs(30), changed).await.expect("published");
}
