//! Duplicates that wait for the first run.

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::{Bed, Problem, Request, Response, Server};

/// Duplicates wait there for as long as a busy machine may take, unlike at `/wait`.
const ROUTE: &str = "/patient";

/// How many may wait for one key in a process.
const SEATS: usize = 32;

pub(crate) async fn fault_client_disconnects_while_waiting(bed: &Bed) {
    let server = bed.start().await;
    let pay = server.pay_with(ROUTE, "k", &json!({ "gate": true }));
    let first = pay.start();
    server.until("k", 1, 1).await;
    let mut waiters = JoinSet::new();
    for _ in 0..=SEATS {
        let connection = pay.by_hand().await;
        waiters.spawn(answered(connection));
    }
    // One too many: it is refused, so all others sit.
    waiters.join_next().await;
    waiters.shutdown().await;
    server.until_logs(|logs| calls_that_closed(logs) > SEATS).await;

    let mut seated = fill_seats(&pay).await;
    server.open_gate("k").await;
    let first = first.await.unwrap().expect("it is answered");
    first.assert_executed(201);
    while let Some(waiter) = seated.join_next().await {
        waiter.unwrap().assert_replay_of(&first);
    }
    server.assert_counts("k", 1, 1).await;
}

/// Waits for a word of the answer. Given up, it resets the connection.
async fn answered(mut connection: TcpStream) {
    connection.set_zero_linger().unwrap();
    connection.read_u8().await.ok();
}

/// Calls of duplicates that were answered, or whose callers left.
fn calls_that_closed(logs: &str) -> usize {
    let closed = |line: &&str| line.contains(ROUTE) && line.contains(": close ");
    logs.lines().filter(closed).count()
}

/// Sends duplicates until one is refused: all others wait.
async fn fill_seats(pay: &Request) -> JoinSet<Response> {
    let mut waiters = JoinSet::new();
    for _ in 0..=SEATS {
        let pay = pay.clone();
        waiters.spawn(async move { pay.send().await });
    }
    let refused = waiters.join_next().await.expect("one of them").unwrap();
    refused.assert_problem(Problem::InProgress);
    // Had any of them found no seat, it would be heard of while these come and go.
    for _ in 0..8 {
        pay.send().await.assert_problem(Problem::InProgress);
    }
    waiters
}

/// Thousands of them wait in `idem-redis/tests/faults/duplicates.rs`, without processes and HTTP.
const MANY: usize = 500;

pub(crate) async fn fault_many_waiters(bed: &Bed) {
    let server = bed.start().await;
    let pay = server.pay_with(ROUTE, "k", &json!({ "gate": true }));
    let first = pay.start();
    server.until("k", 1, 1).await;
    let clients: Vec<_> = (0..MANY / 50).map(|_| newer()).collect();
    let mut waiters = JoinSet::new();
    for n in 0..MANY {
        let pay = pay.clone().over(clients[n % clients.len()].clone());
        let such = |answer: &Response| !answer.is(Problem::StoreUnavailable);
        waiters.spawn(async move { pay.until(such).await });
    }
    for _ in SEATS..MANY {
        let refused = waiters.join_next().await.expect("so many").unwrap();
        refused.assert_problem(Problem::InProgress);
    }
    server.open_gate("k").await;
    let first = first.await.unwrap().expect("it is answered");
    first.assert_executed(201);
    for late in waiters.join_all().await {
        late.assert_replay_of(&first);
    }
    server.assert_counts("k", 1, 1).await;
}

fn newer() -> reqwest::Client {
    reqwest::Client::builder().http2_prior_knowledge().build().unwrap()
}

pub(crate) async fn fault_key_freed_while_waiting(bed: &Bed) {
    let server: Server = bed.start().await;
    let sim = json!({ "once": true, "gate": true, "status": 503, "effect": "none" });
    let pay = server.pay_with(ROUTE, "k", &sim);
    let first = pay.start();
    server.until("k", 1, 0).await;
    let waiters = fill_seats(&pay).await;
    server.open_gate("k").await;
    first.await.unwrap().expect("it is answered").assert_executed(503);
    let answers = waiters.join_all().await;
    let ran: Vec<_> = answers.iter().filter(|answer| !answer.is_replay()).collect();
    assert_eq!(ran.len(), 1, "{ran:?}");
    ran[0].assert_executed(201);
    for replay in answers.iter().filter(|answer| answer.is_replay()) {
        replay.assert_replay_of(ran[0]);
    }
    server.assert_counts("k", 2, 1).await;
}
