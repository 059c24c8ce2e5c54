//! Concurrent requests with one key.

use std::sync::Arc;

use idem_core::{MemoryStore, Policy};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{AGAIN, ONCE, ONCE_WAITING, Seen, Service, done, ran, refused, replayed};

const REQUESTS: usize = 64;
const ROUNDS: usize = 200;

/// What 64 requests with one key see that are let go together.
async fn race(service: &Service, policy: &'static Policy, key: &str) -> Vec<Seen> {
    let start = Arc::new(Barrier::new(REQUESTS));
    let mut requests = JoinSet::new();
    for _ in 0..REQUESTS {
        let (service, start, call) =
            (service.clone(), Arc::clone(&start), service.call(policy, key));
        requests.spawn(async move {
            start.wait().await;
            service.answer(call, yielding()).await
        });
    }
    requests.join_all().await
}

async fn yielding() -> idem_core::http::Executed<String> {
    tokio::task::yield_now().await;
    done("done").await
}

async fn races(policy: &'static Policy, others: &[Seen]) {
    let service = Service::new(MemoryStore::new());
    for round in 0..ROUNDS {
        let seen = race(&service, policy, &format!("key {round}")).await;
        let (winners, rest): (Vec<_>, Vec<_>) =
            seen.into_iter().partition(|seen| *seen == ran("done"));
        assert_eq!(winners.len(), 1, "round {round}");
        assert!(rest.iter().all(|seen| others.contains(seen)), "round {round}: {rest:?}");
        assert_eq!(service.runs(), round + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_runs_under_at_most_once() {
    races(&ONCE, &[refused("InProgress"), replayed("done")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_runs_under_at_least_once() {
    races(&AGAIN, &[refused("InProgress"), replayed("done")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_runs_and_those_with_a_seat_wait_for_it() {
    races(&ONCE_WAITING, &[refused("InProgress"), replayed("done")]).await;
}
