//! Concurrent requests with one key.

use std::sync::Arc;

use idem_core::{MemoryStore, Policy};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, AT_MOST_ONCE_WAITING, Response, Service, done, ran, refused,
    replayed,
};

const REQUESTS: usize = 64;
const ROUNDS: usize = 200;

/// Sends 64 concurrent requests with one key and returns their responses.
async fn race(service: &Service, policy: &'static Policy, key: &str) -> Vec<Response> {
    let start = Arc::new(Barrier::new(REQUESTS));
    let mut requests = JoinSet::new();
    for _ in 0..REQUESTS {
        let (service, start, call) =
            (service.clone(), Arc::clone(&start), service.call(policy, key));
        requests.spawn(async move {
            start.wait().await;
            service.run(call, yield_and_respond()).await
        });
    }
    requests.join_all().await
}

async fn yield_and_respond() -> idem_core::http::Executed<String> {
    tokio::task::yield_now().await;
    done("done").await
}

async fn assert_one_run_per_round(policy: &'static Policy, others: &[Response]) {
    let service = Service::new(MemoryStore::new());
    for round in 0..ROUNDS {
        let responses = race(&service, policy, &format!("key {round}")).await;
        let (winners, rest): (Vec<_>, Vec<_>) =
            responses.into_iter().partition(|response| *response == ran("done"));
        assert_eq!(winners.len(), 1, "round {round}");
        assert!(rest.iter().all(|response| others.contains(response)), "round {round}: {rest:?}");
        assert_eq!(service.runs(), round + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_runs_under_at_most_once() {
    assert_one_run_per_round(&AT_MOST_ONCE, &[refused("InProgress"), replayed("done")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_runs_under_at_least_once() {
    assert_one_run_per_round(&AT_LEAST_ONCE, &[refused("InProgress"), replayed("done")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_runs_and_the_others_wait_up_to_the_limit() {
    assert_one_run_per_round(&AT_MOST_ONCE_WAITING, &[refused("InProgress"), replayed("done")])
        .await;
}
