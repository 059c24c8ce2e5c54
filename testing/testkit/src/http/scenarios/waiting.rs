//! Duplicates that wait for the first run.

use std::sync::Arc;

use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};

use crate::app::Gate;
use crate::http::{Closing, Problem, Request, Response, Server};
use idem_conformance::Kind;

/// A run that waits at its gate.
struct Run {
    order: Request,
    first: JoinHandle<Response>,
    gate: Arc<Gate>,
}

impl Run {
    async fn begin(server: &Server, path: &str) -> Self {
        Self::begin_with(server, path, &json!({ "gate": true })).await
    }

    async fn begin_with(server: &Server, path: &str, script: &serde_json::Value) -> Self {
        let order = server.order(path, "n").key("k").order_with("n", script);
        let (first, gate) = (order.spawn(), server.service.gate("n"));
        gate.reached().await;
        Self { order, first, gate }
    }

    /// Sends a duplicate and returns once it waits. No other request may be in progress meanwhile.
    async fn wait(&self, server: &Server) -> JoinHandle<Response> {
        let before = server.faults.calls().claim;
        let waiting = self.order.spawn();
        until_waiting(server, before).await;
        waiting
    }
}

/// A duplicate claims, takes a place among the waiting, and claims again before it waits.
async fn until_waiting(server: &Server, before: u32) {
    server.faults.until_called(Kind::Claim, before + 2).await;
}

/// With `wait`, a duplicate gets the response of the first request as soon as it exists.
pub async fn a_duplicate_waits_for_the_first(server: &Server) {
    let run = Run::begin(server, "/wait").await;
    let waiting = run.wait(server).await;
    run.gate.open();
    let first = run.first.await.unwrap();
    waiting.await.unwrap().assert_replay_of(first.assert_executed(201));
    server.assert_runs("n", 1);
}

/// After the wait time, a duplicate gets `in-progress`.
pub async fn waiting_ends_after_the_wait_time(server: &Server) {
    let run = Run::begin(server, "/wait-briefly").await;
    run.order.send().await.assert_problem(&Problem::IN_PROGRESS);
    run.gate.open();
    let first = run.first.await.unwrap();
    run.order.send().await.assert_replay_of(first.assert_executed(201));
}

/// The first run did nothing, so one waiter runs and the others get its response.
pub async fn a_freed_key_lets_one_waiter_run(server: &Server) {
    let script = json!({ "gate": true, "status": 503, "once": true });
    let run = Run::begin_with(server, "/wait", &script).await;
    let waiting: JoinSet<_> = (0..5)
        .map(|_| {
            let order = run.order.clone();
            async move { order.send().await }
        })
        .collect();
    server.service.until_present(6).await;
    run.gate.open();
    run.first.await.unwrap().assert_executed(503);
    let responses = waiting.join_all().await;
    let second = responses.iter().find(|response| !response.is_replay()).expect("one runs");
    second.assert_executed(201);
    assert_eq!(responses.iter().filter(|response| response.is_replay()).count(), 4);
    for response in responses.iter().filter(|response| response.is_replay()) {
        response.assert_replay_of(second);
    }
    server.assert_runs("n", 2);
}

/// A duplicate beyond the limit per key or per process is refused immediately.
pub async fn waiting_duplicates_are_limited(server: &Server) {
    for (in_process, per_key) in [(64, 2), (2, 64)] {
        let server = server.with(|builder| builder.max_waiters(in_process, per_key)).await;
        let run = Run::begin(&server, "/wait").await;
        let mut waiting = JoinSet::new();
        for _ in 0..6 {
            let order = run.order.clone();
            waiting.spawn(async move { order.send().await });
        }
        for _ in 0..4 {
            let early = waiting.join_next().await.unwrap().unwrap();
            early.assert_problem(&Problem::IN_PROGRESS);
        }
        run.gate.open();
        let first = run.first.await.unwrap();
        first.assert_executed(201);
        for late in waiting.join_all().await {
            late.assert_replay_of(&first);
        }
    }
}

/// A waiting client that disconnects frees its place. The first run is not affected.
pub async fn a_waiter_that_disconnects_frees_its_place(server: &Server) {
    let server = server.with(|builder| builder.max_waiters(64, 1)).await;
    let run = Run::begin(&server, "/wait").await;
    let before = server.faults.calls().claim;
    let leaver = run.order.send_raw().await;
    until_waiting(&server, before).await;
    run.order.send().await.assert_problem(&Problem::IN_PROGRESS);
    leaver.close(Closing::Rst).await;
    server.service.until_present(1).await;
    let waiting = run.wait(&server).await;
    run.gate.open();
    let first = run.first.await.unwrap();
    waiting.await.unwrap().assert_replay_of(first.assert_executed(201));
    server.assert_runs("n", 1);
}
