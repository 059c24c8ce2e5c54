//! Duplicates that wait for the first run.

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::{Problem, Request, Response, Server, TestEnv};

/// A route on which duplicates wait for a minute, so that a busy machine does not fail the tests.
const ROUTE: &str = "/patient";

/// The maximum number of waiting duplicates per key in a process.
const MAX_WAITERS: usize = 32;

pub(crate) async fn fault_client_disconnects_while_waiting(env: &TestEnv) {
    let server = env.start().await;
    let pay = server.pay_with(ROUTE, "k", &json!({ "gate": true }));
    let first = pay.start_run(&server, 1).await;
    let mut waiters = JoinSet::new();
    for _ in 0..=MAX_WAITERS {
        let connection = pay.raw().await;
        waiters.spawn(answered(connection));
    }
    // One duplicate is refused, so all others wait.
    waiters.join_next().await;
    waiters.shutdown().await;
    server.until_logs(|logs| calls_that_closed(logs) > MAX_WAITERS).await;

    let mut waiting = fill_places(&pay).await;
    server.open_gate("k").await;
    let first = first.await.unwrap().expect("a response");
    first.assert_executed(201);
    while let Some(waiter) = waiting.join_next().await {
        waiter.unwrap().assert_replay_of(&first);
    }
    server.assert_counts("k", 1, 1).await;
}

/// Waits for the first byte of the response. Resets the connection when dropped.
async fn answered(mut connection: TcpStream) {
    connection.set_zero_linger().unwrap();
    connection.read_u8().await.ok();
}

/// Counts the calls of duplicates that were answered or whose clients disconnected.
fn calls_that_closed(logs: &str) -> usize {
    let closed = |line: &&str| line.contains(ROUTE) && line.contains(": close ");
    logs.lines().filter(closed).count()
}

/// Sends duplicates until one is refused: all others wait.
async fn fill_places(pay: &Request) -> JoinSet<Response> {
    let mut waiters = JoinSet::new();
    for _ in 0..=MAX_WAITERS {
        let pay = pay.clone();
        waiters.spawn(async move { pay.send().await });
    }
    let refused = waiters.join_next().await.expect("one of them").unwrap();
    refused.assert_problem(Problem::InProgress);
    // If one of them were not waiting, one of these requests could wait in its place.
    for _ in 0..8 {
        pay.send().await.assert_problem(Problem::InProgress);
    }
    waiters
}

/// Thousands of duplicates wait in `idem-redis/tests/faults/duplicates.rs`, without processes and HTTP.
const MANY: usize = 500;

pub(crate) async fn fault_many_waiters(env: &TestEnv) {
    let server = env.start().await;
    let pay = server.pay_with(ROUTE, "k", &json!({ "gate": true }));
    let first = pay.start_run(&server, 1).await;
    // On a busy machine, the store may be too slow for one of the requests.
    let is_served = |response: &Response| !response.is(Problem::StoreUnavailable);
    let clients: Vec<_> = (0..MANY / 50).map(|_| http2_client()).collect();
    let mut waiters = JoinSet::new();
    for n in 0..MANY {
        let pay = pay.clone().over(clients[n % clients.len()].clone());
        waiters.spawn(async move { pay.until(is_served).await });
    }
    for _ in MAX_WAITERS..MANY {
        let refused = waiters.join_next().await.expect("all are refused").unwrap();
        refused.assert_problem(Problem::InProgress);
    }
    server.open_gate("k").await;
    let first = first.await.unwrap().expect("a response");
    first.assert_executed(201);
    for late in waiters.join_all().await {
        late.assert_replay_of(&first);
    }
    server.assert_counts("k", 1, 1).await;
}

fn http2_client() -> reqwest::Client {
    reqwest::Client::builder().http2_prior_knowledge().build().unwrap()
}

pub(crate) async fn fault_key_freed_while_waiting(env: &TestEnv) {
    let server: Server = env.start().await;
    let script = json!({ "once": true, "gate": true, "status": 503, "effect": "none" });
    let pay = server.pay_with(ROUTE, "k", &script);
    let first = pay.start_run(&server, 0).await;
    let waiters = fill_places(&pay).await;
    server.open_gate("k").await;
    first.await.unwrap().expect("a response").assert_executed(503);
    let responses = waiters.join_all().await;
    let ran: Vec<_> = responses.iter().filter(|response| !response.is_replay()).collect();
    assert_eq!(ran.len(), 1, "{ran:?}");
    ran[0].assert_executed(201);
    for replay in responses.iter().filter(|response| response.is_replay()) {
        replay.assert_replay_of(ran[0]);
    }
    server.assert_counts("k", 2, 1).await;
}
