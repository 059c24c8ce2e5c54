//! Stores that fail. No fault leads to a second run.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::{Problem, Request, Response, Server};
use idem_conformance::{Fault, Kind};

/// The store refuses connections: 503, no run, no replay, and no internal details in the response.
pub async fn nothing_runs_while_the_store_is_down(server: &Server) {
    let known = server.order("/payments", "known").key("known");
    let first = known.send().await;
    first.assert_executed(201);
    server.faults.inject(Kind::ALL, Fault::Down);
    let new = server.order("/payments", "new").key("new");
    for request in [&known, &new] {
        let refused = request.send().await;
        assert!(!refused.assert_problem(&Problem::STORE_UNAVAILABLE).mentions("injected"));
    }
    server.assert_runs("new", 0);
    server.faults.heal();
    known.send().await.assert_replay_of(&first);
    new.send().await.assert_executed(201);
}

/// The store does not reply: the request gets 503 after the store timeout.
pub async fn nothing_runs_while_the_store_is_silent(server: &Server) {
    let server = with_short_timeout(server).await;
    server.faults.inject(Kind::ALL, Fault::Hang);
    let order = server.order("/payments", "n").key("k");
    order.send().await.assert_problem(&Problem::STORE_UNAVAILABLE);
    server.assert_runs("n", 0);
    server.faults.heal();
    order.send_until_served().await.assert_executed(201);
}

/// The claim was applied and its reply lost: a retry with the same nonce owns the key.
pub async fn a_claim_is_retried(server: &Server) {
    for fault in [Fault::Down, Fault::LostReply, Fault::Twice] {
        server.faults.inject_next(1, [Kind::Claim], fault);
        let note = format!("{fault:?}");
        let order = server.order("/payments", &note).key(&note);
        let first = order.send().await;
        order.send().await.assert_replay_of(first.assert_executed(201));
        server.assert_runs(&note, 1);
    }
}

/// No reply to the claim ever arrives: nothing runs, and the key is free again.
pub async fn a_claim_without_a_reply_is_abandoned(server: &Server) {
    server.faults.inject([Kind::Claim], Fault::LostReply);
    let order = server.order("/payments", "n").key("k");
    order.send().await.assert_problem(&Problem::STORE_UNAVAILABLE);
    server.assert_runs("n", 0);
    server.faults.heal();
    order.send_until_settled().await.assert_executed(201);
    server.assert_runs("n", 1);
}

/// The claim is applied after its caller was refused.
pub async fn a_late_claim_is_abandoned(server: &Server) {
    let server = with_short_timeout(server).await;
    server.faults.inject_next(1, [Kind::Claim], Fault::Late);
    let order = server.order("/payments", "n").key("k");
    order.send().await.assert_problem(&Problem::STORE_UNAVAILABLE);
    server.faults.deliver();
    server.faults.until_answered(Kind::Abandon, 1).await;
    order.send_until(|response| response.status == 201).await.assert_executed(201);
    server.assert_runs("n", 1);
}

/// The response is stored before the caller gets it.
pub async fn a_short_outage_delays_the_response(server: &Server) {
    server.faults.inject_next(2, [Kind::Complete], Fault::Down);
    let order = server.order("/payments", "n").key("k");
    let [first, second] = send_twice(&order).await;
    second.assert_replay_of(first.assert_executed(201));
    server.assert_runs("n", 1);
}

/// The caller gets the response, duplicates are refused until the store recovers, and nothing runs again.
pub async fn a_long_outage_stores_the_response_in_the_background(server: &Server) {
    stored_after_recovery(server, Fault::Down).await;
}

/// The same, with a store that does not reply instead of refusing connections.
pub async fn a_silent_store_stores_the_response_in_the_background(server: &Server) {
    stored_after_recovery(&with_short_timeout(server).await, Fault::Hang).await;
}

async fn stored_after_recovery(server: &Server, fault: Fault) {
    server.faults.inject(Kind::ENDS, fault);
    let order = server.order("/payments", "n").key("k");
    let first = order.send_until_served().await;
    first.assert_executed(201);
    // A busy store can exceed the short timeout at each claim.
    let second = order.send_until(|response| !response.is(&Problem::STORE_UNAVAILABLE)).await;
    second.assert_problem(&Problem::IN_PROGRESS);
    server.faults.heal();
    order.send_until(Response::is_replay).await.assert_replay_of(&first);
    server.assert_runs("n", 1);
}

/// A success that a client has seen must never be followed by another run.
pub async fn at_least_once_returns_only_stored_successes(server: &Server) {
    server.faults.inject(Kind::ENDS, Fault::Down);
    let order = server.order("/release", "n").key("k");
    order.send().await.assert_problem(&Problem::STORE_UNAVAILABLE);
    server.faults.heal();
    let retry = order.send_until_settled().await;
    assert_eq!((retry.status, retry.is_replay()), (201, true), "{retry:?}");
    server.assert_runs("n", 1);
}

/// The completion was applied and its reply lost.
pub async fn a_repeated_completion_stores_one_response(server: &Server) {
    for fault in [Fault::LostReply, Fault::Twice] {
        server.faults.inject_next(1, [Kind::Complete], fault);
        let note = format!("{fault:?}");
        let order = server.order("/payments", &note).key(&note);
        let [first, second] = send_twice(&order).await;
        second.assert_replay_of(first.assert_executed(201));
        server.assert_runs(&note, 1);
    }
}

/// The release was applied and its reply lost: the key is free before the caller gets its response.
pub async fn a_release_is_retried(server: &Server) {
    for fault in [Fault::Down, Fault::LostReply, Fault::Twice] {
        server.faults.inject_next(1, [Kind::Release], fault);
        let note = format!("{fault:?}");
        let script = json!({ "status": 503, "once": true });
        let order = server.order("/payments", &note).key(&note).order_with(&note, &script);
        let [first, second] = send_twice(&order).await;
        first.assert_executed(503);
        order.send().await.assert_replay_of(second.assert_executed(201));
        server.assert_runs(&note, 2);
    }
}

/// Sends a request whose end is stored only when it is sent again, and a duplicate. The caller waits for that up to two
/// seconds, and a duplicate is only refused if a busy machine takes longer.
async fn send_twice(order: &Request) -> [Response; 2] {
    const CALLER_TIMEOUT: Duration = Duration::from_secs(2);
    let sent = Instant::now();
    let first = order.send().await;
    let is_stored = sent.elapsed() < CALLER_TIMEOUT;
    let second = if is_stored { order.send().await } else { order.send_until_settled().await };
    [first, second]
}

async fn with_short_timeout(server: &Server) -> Server {
    server.with(|builder| builder.store_timeout(Duration::from_secs(1))).await
}
