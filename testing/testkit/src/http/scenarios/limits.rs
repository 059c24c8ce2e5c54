//! Limits on request bodies, stored responses and keys.

use idem_core::MemoryStore;
use serde_json::{Value, json};

use crate::http::app::{MAX_REQUEST, MAX_RESPONSE};
use crate::http::{Problem, Request, Server};

/// R36: the route's own limit; the key stays free.
pub async fn a_body_over_the_limit_is_refused(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    for over in [1, 1_000] {
        let answer = server.untouched(&of_size(&order, MAX_REQUEST + over)).await;
        answer.assert_problem(&Problem::BODY_TOO_LARGE);
    }
    of_size(&order, MAX_REQUEST).send().await.assert_executed(201);
    server.assert_runs("n", 1);
}

/// R36: nothing is announced, so it is counted.
pub async fn a_body_of_unknown_length_is_bounded_too(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    let before = server.faults.calls();
    let over = of_size(&order, MAX_REQUEST + 1).send_chunked(8 << 10).await;
    assert_eq!(over.status().await, Some(413));
    assert_eq!(server.faults.calls(), before);
    let within = of_size(&order, MAX_REQUEST).send_chunked(8 << 10).await;
    assert_eq!(within.status().await, Some(201));
}

/// R11: how a body is cut up on the way is not the request.
pub async fn chunks_do_not_matter(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    assert_eq!(order.send_chunked(3).await.status().await, Some(201));
    assert!(order.send().await.is_replay());
    server.assert_runs("n", 1);
}

/// An order whose body has exactly `size` bytes.
fn of_size(order: &Request, size: usize) -> Request {
    let body = |memo: &str| json!({ "amount": 100, "note": "n", "memo": memo }).to_string();
    let memo = "m".repeat(size - body("").len());
    order.clone().body("application/json", body(&memo))
}

/// The largest response that is stored.
pub async fn an_answer_at_the_limit_is_kept(server: &Server) {
    for size in [MAX_RESPONSE - 1, MAX_RESPONSE] {
        kept(server, size, &json!({ "size": size })).await;
    }
}

/// The first caller gets the whole response, duplicates get none of it, and nothing runs again.
pub async fn an_answer_over_the_limit_is_not_kept(server: &Server) {
    for size in [MAX_RESPONSE + 1, 1 << 20] {
        not_kept(server, size, &json!({ "size": size })).await;
    }
}

/// R38: likewise when its length is not known before.
pub async fn a_stream_is_kept_up_to_the_limit(server: &Server) {
    for size in [MAX_RESPONSE - 1, MAX_RESPONSE] {
        kept(server, size, &json!({ "size": size, "chunks": 100 })).await;
    }
    for size in [MAX_RESPONSE + 1, 1 << 20] {
        not_kept(server, size, &json!({ "size": size, "chunks": 100 })).await;
    }
}

async fn kept(server: &Server, size: usize, sim: &Value) {
    let note = size.to_string();
    let order = server.order("/payments", &note).key(&note).order_with(&note, sim);
    let first = order.send().await;
    assert_eq!(first.assert_executed(201).body.len(), size);
    order.send().await.assert_replay_of(&first);
    server.assert_runs(&note, 1);
}

async fn not_kept(server: &Server, size: usize, sim: &Value) {
    let note = size.to_string();
    let order = server.order("/payments", &note).key(&note).order_with(&note, sim);
    let first = order.send().await;
    assert_eq!(first.assert_executed(201).body.len(), size);
    let body: Value = serde_json::from_slice(&first.body).expect("neither torn nor reordered");
    assert_eq!(body["note"], note);
    order.send().await.assert_problem(&Problem::RESULT_UNAVAILABLE);
    server.assert_runs(&note, 1);
}

/// A response without an end is passed through, and its record does not wait for the end.
pub async fn an_endless_stream_reaches_its_caller(server: &Server) {
    let sim = json!({ "chunks": 1, "ends": "endless" });
    let order = server.order("/payments", "n").key("k").order_with("n", &sim);
    let mut raw = order.send_raw().await;
    raw.read(4 * MAX_RESPONSE).await;
    order.send().await.assert_problem(&Problem::RESULT_UNAVAILABLE);
    raw.read(MAX_RESPONSE).await;
    server.assert_runs("n", 1);
}

/// A stream is part of the run, so `max_run` ends it.
pub async fn a_stream_that_never_ends_is_given_up(server: &Server) {
    let sim = json!({ "chunks": 1, "ends": "never" });
    let order = server.order("/max-run", "n").key("k").order_with("n", &sim);
    order.send().await.assert_problem(&Problem::OUTCOME_UNKNOWN);
    order.send_until_settled().await.assert_problem(&Problem::OUTCOME_UNKNOWN);
    server.assert_runs("n", 1);
}

/// No byte was sent yet, so the response becomes a 500, which is ambiguous.
pub async fn a_stream_broken_at_the_start_is_a_failure(server: &Server) {
    let sim = json!({ "chunks": 0, "ends": "broken", "once": true });
    let order = server.order("/payments", "n").key("k").order_with("n", &sim);
    let first = order.send().await;
    order.send().await.assert_replay_of(first.assert_executed(500));
    server.assert_runs("n", 1);
    let order = server.order("/release", "freed").key("k").order_with("freed", &sim);
    order.send().await.assert_executed(500);
    order.send().await.assert_executed(201);
}

/// The caller sees the body break off. At most once: the sent part is not replayed,
/// and nothing runs again. At least once: the key is freed.
pub async fn a_stream_broken_midway_is_not_kept(server: &Server) {
    let sim = json!({ "chunks": 3, "size": 300, "ends": "broken", "once": true });
    let order = server.order("/payments", "n").key("k").order_with("n", &sim);
    assert!(breaks_off(&order).await);
    order.send().await.assert_problem(&Problem::RESULT_UNAVAILABLE);
    server.assert_runs("n", 1);
    let order = server.order("/release", "freed").key("k").order_with("freed", &sim);
    assert!(breaks_off(&order).await);
    order.send().await.assert_executed(201);
}

/// Whether a caller can tell that the answer is not whole. How much of it arrives is the server's affair.
async fn breaks_off(request: &Request) -> bool {
    request.try_send().await.is_none_or(|answer| !answer.whole)
}

/// R41: a bounded store refuses new keys and never forgets a live one.
pub async fn a_full_store_refuses_new_keys(server: &Server) {
    let server = server.another(MemoryStore::with_capacity(2, 1 << 20), |builder| builder).await;
    let order = server.order("/payments", "n");
    let first = order.clone().key("k1").send().await;
    order.clone().key("k2").send().await.assert_executed(201);
    order.clone().key("k3").send().await.assert_problem(&Problem::STORE_FULL);
    order.key("k1").send().await.assert_replay_of(first.assert_executed(201));
    server.assert_runs("n", 2);
}
