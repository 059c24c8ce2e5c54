//! Many concurrent requests with one key.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::http::{Problem, Request, Response, Server};
use idem_conformance::Kind;

const MANY: usize = 64;

/// Exactly one request runs. The others get its response or `in-progress`.
pub async fn one_of_many_runs(server: &Server) {
    for round in 0..200 {
        let note = format!("round {round}");
        let responses = send_many(&server.order("/payments", &note).key(&note)).join_all().await;
        let (executed, others): (Vec<_>, Vec<_>) =
            responses.iter().partition(|response| response.status == 201 && !response.is_replay());
        let [first] = executed[..] else { panic!("{} runs in {note}", executed.len()) };
        for other in others {
            match other.status {
                409 => other.assert_problem(&Problem::IN_PROGRESS),
                _ => other.assert_replay_of(first),
            };
        }
        server.assert_runs(&note, 1);
    }
}

/// While a request runs, its duplicates get `in-progress`. Afterwards its response is replayed.
pub async fn duplicates_of_a_running_request_are_refused(server: &Server) {
    for round in 0..10 {
        let note = format!("round {round}");
        let order = server.order("/payments", &note).key(&note);
        let order = order.order_with(&note, &json!({ "gate": true }));
        let mut responses = send_many(&order);
        for _ in 1..MANY {
            let early = responses.join_next().await.unwrap().unwrap();
            early.assert_problem(&Problem::IN_PROGRESS);
        }
        server.service.gate(&note).open();
        let first = responses.join_next().await.unwrap().unwrap();
        order.send().await.assert_replay_of(first.assert_executed(201));
        server.assert_runs(&note, 1);
    }
}

fn send_many(request: &Request) -> JoinSet<Response> {
    let mut responses = JoinSet::new();
    for _ in 0..MANY {
        let request = request.clone();
        responses.spawn(async move { request.send().await });
    }
    responses
}

/// A run longer than its lease keeps the lease by renewals.
pub async fn a_long_run_keeps_its_key(server: &Server) {
    let sibling = server.sibling().await;
    let runs = [(server, "/hold"), (&sibling, "/takeover")].map(|(server, path)| {
        let order = server.order(path, path).key("k").order_with(path, &json!({ "gate": true }));
        (server, path, order.spawn(), order)
    });
    for (server, path, ..) in &runs {
        server.service.gate(path).reached().await;
    }
    let renewed = [server.faults.answered().renew, sibling.faults.answered().renew];
    server.advance_clock(BEFORE_RENEWAL);
    for ((server, ..), renewed) in runs.iter().zip(renewed) {
        server.faults.until_answered(Kind::Renew, renewed + 1).await;
    }
    server.advance_clock(AFTER_RENEWAL);
    for (.., order) in &runs {
        order.send().await.assert_problem(&Problem::IN_PROGRESS);
    }
    for (server, path, first, order) in runs {
        server.service.gate(path).open();
        let first = first.await.unwrap();
        order.send().await.assert_replay_of(first.assert_executed(201));
        server.assert_runs(path, 1);
    }
}

/// At most once: no duplicate sees an unknown outcome while the handler blocks its thread.
pub async fn a_blocked_thread_keeps_its_key(server: &Server) {
    block_beyond_a_lease(server, "/hold").await;
}

/// At least once: no duplicate takes over while the handler blocks its thread.
pub async fn a_blocked_thread_is_not_taken_over(server: &Server) {
    block_beyond_a_lease(server, "/takeover").await;
}

async fn block_beyond_a_lease(server: &Server, path: &str) {
    let order = server.order(path, "n").key("k").order_with("n", &json!({ "block_ms": 5_000 }));
    let first = order.spawn();
    server.faults.until_answered(Kind::Claim, 1).await;
    let renewed = server.faults.answered().renew;
    server.advance_clock(BEFORE_RENEWAL);
    server.faults.until_answered(Kind::Renew, renewed + 1).await;
    server.advance_clock(AFTER_RENEWAL);
    let early = order.send().await;
    let first = first.await.unwrap();
    first.assert_executed(201);
    match early.status {
        409 => early.assert_problem(&Problem::IN_PROGRESS),
        _ => early.assert_replay_of(&first),
    };
    order.send().await.assert_replay_of(&first);
    server.assert_runs("n", 1);
}

/// The lease is 12 s, and its first renewal is sent after 3.2 to 4 s. With both advances of the clock, the lease of the claim
/// is over after the renewal. Each advance leaves a busy machine five seconds until the lease ends.
const BEFORE_RENEWAL: Duration = Duration::from_secs(3);
const AFTER_RENEWAL: Duration = Duration::from_secs(7);
