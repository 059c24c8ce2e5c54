//! Limits on request bodies, stored responses and keys.

use idem_core::MemoryStore;
use serde_json::{Value, json};

use crate::app::{MAX_REQUEST, MAX_RESPONSE, PAD_OVERHEAD};
use crate::http::{Problem, Request, Server, payment};

/// The body limit of the route applies. A refused body leaves the key free.
pub async fn a_body_over_the_limit_is_refused(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    for over in [1, 1_000] {
        let response = server.untouched(&of_size(&order, MAX_REQUEST + over)).await;
        response.assert_problem(&Problem::BODY_TOO_LARGE);
    }
    of_size(&order, MAX_REQUEST).send().await.assert_executed(201);
    server.assert_runs("n", 1);
}

/// A body without `Content-Length` is counted while it is read.
pub async fn a_body_of_unknown_length_is_limited(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    let before = server.faults.calls();
    let over = of_size(&order, MAX_REQUEST + 1).send_chunked(8 << 10).await;
    assert_eq!(over.status().await, Some(413));
    assert_eq!(server.faults.calls(), before);
    let within = of_size(&order, MAX_REQUEST).send_chunked(8 << 10).await;
    assert_eq!(within.status().await, Some(201));
}

/// The chunks in which a body arrives do not change its fingerprint.
pub async fn chunking_does_not_change_the_fingerprint(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    assert_eq!(order.send_chunked(3).await.status().await, Some(201));
    assert!(order.send().await.is_replay());
    server.assert_runs("n", 1);
}

/// An order whose body has exactly `size` bytes.
fn of_size(order: &Request, size: usize) -> Request {
    let body = |memo: &str| {
        let mut body = payment(100, "n");
        body["memo"] = memo.into();
        body.to_string()
    };
    let memo = "m".repeat(size - body("").len());
    order.clone().body("application/json", body(&memo))
}

/// The largest response that is stored.
pub async fn a_response_at_the_limit_is_stored(server: &Server) {
    for size in [MAX_RESPONSE - 1, MAX_RESPONSE] {
        stored(server, size, &json!({ "size": size - PAD_OVERHEAD })).await;
    }
}

/// The first caller gets the whole response, duplicates get none of it, and nothing runs again.
pub async fn a_response_over_the_limit_is_not_stored(server: &Server) {
    for size in [MAX_RESPONSE + 1, 1 << 20] {
        not_stored(server, size, &json!({ "size": size - PAD_OVERHEAD })).await;
    }
}

/// The same limits apply to a response of unknown length.
pub async fn a_stream_is_stored_up_to_the_limit(server: &Server) {
    for size in [MAX_RESPONSE - 1, MAX_RESPONSE] {
        stored(server, size, &json!({ "size": size - PAD_OVERHEAD, "chunks": 100 })).await;
    }
    for size in [MAX_RESPONSE + 1, 1 << 20] {
        not_stored(server, size, &json!({ "size": size - PAD_OVERHEAD, "chunks": 100 })).await;
    }
}

async fn stored(server: &Server, size: usize, script: &Value) {
    let note = size.to_string();
    let order = server.order("/payments", &note).key(&note).order_with(&note, script);
    let first = order.send().await;
    assert_eq!(first.assert_executed(201).body.len(), size);
    order.send().await.assert_replay_of(&first);
    server.assert_runs(&note, 1);
}

async fn not_stored(server: &Server, size: usize, script: &Value) {
    let note = size.to_string();
    let order = server.order("/payments", &note).key(&note).order_with(&note, script);
    let first = order.send().await;
    assert_eq!(first.assert_executed(201).body.len(), size);
    let body: Value = serde_json::from_slice(&first.body).expect("a complete JSON body");
    assert_eq!(body["note"], note);
    order.send().await.assert_problem(&Problem::RESULT_UNAVAILABLE);
    server.assert_runs(&note, 1);
}

/// A response without an end is passed through, and its record does not wait for the end.
pub async fn an_endless_stream_reaches_its_caller(server: &Server) {
    let script = json!({ "chunks": 1, "ends": "endless" });
    let order = server.order("/payments", "n").key("k").order_with("n", &script);
    let mut raw = order.send_raw().await;
    raw.read(4 * MAX_RESPONSE).await;
    order.send().await.assert_problem(&Problem::RESULT_UNAVAILABLE);
    raw.read(MAX_RESPONSE).await;
    server.assert_runs("n", 1);
}

/// A stream is part of the run, so `max_run` ends it.
pub async fn a_stream_that_never_ends_is_given_up(server: &Server) {
    let script = json!({ "chunks": 1, "ends": "never" });
    let order = server.order("/max-run", "n").key("k").order_with("n", &script);
    order.send_until_served().await.assert_problem(&Problem::OUTCOME_UNKNOWN);
    order.send_until_settled().await.assert_problem(&Problem::OUTCOME_UNKNOWN);
    server.assert_runs("n", 1);
}

/// No byte was sent yet, so the response becomes a 500, which is ambiguous.
pub async fn a_stream_that_fails_at_the_start_is_a_500(server: &Server) {
    let script = json!({ "chunks": 0, "ends": "broken", "once": true });
    let order = server.order("/payments", "n").key("k").order_with("n", &script);
    let first = order.send().await;
    order.send().await.assert_replay_of(first.assert_executed(500));
    server.assert_runs("n", 1);
    let order = server.order("/release", "freed").key("k").order_with("freed", &script);
    order.send().await.assert_executed(500);
    order.send().await.assert_executed(201);
}

/// The caller sees the body break off. At most once: the sent part is not replayed,
/// and nothing runs again. At least once: the key is freed.
pub async fn a_stream_that_fails_midway_is_not_stored(server: &Server) {
    let script = json!({ "chunks": 3, "size": 300, "ends": "broken", "once": true });
    let order = server.order("/payments", "n").key("k").order_with("n", &script);
    assert!(breaks_off(&order).await);
    order.send().await.assert_problem(&Problem::RESULT_UNAVAILABLE);
    server.assert_runs("n", 1);
    let order = server.order("/release", "freed").key("k").order_with("freed", &script);
    assert!(breaks_off(&order).await);
    order.send().await.assert_executed(201);
}

/// Returns whether the client can detect that the response is incomplete. The server decides how
/// much of it arrives.
async fn breaks_off(request: &Request) -> bool {
    request.try_send().await.is_none_or(|response| !response.whole)
}

/// A bounded store refuses new keys and keeps all live ones.
pub async fn a_full_store_refuses_new_keys(server: &Server) {
    let server = server.another(MemoryStore::with_capacity(2, 1 << 20), |builder| builder).await;
    let order = server.order("/payments", "n");
    let first = order.clone().key("k1").send().await;
    order.clone().key("k2").send().await.assert_executed(201);
    order.clone().key("k3").send().await.assert_problem(&Problem::STORE_FULL);
    order.key("k1").send().await.assert_replay_of(first.assert_executed(201));
    server.assert_runs("n", 2);
}
