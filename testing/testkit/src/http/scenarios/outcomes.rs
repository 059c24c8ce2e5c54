//! The responses that are stored, and those that free the key.

use serde_json::{Value, json};

use crate::http::{Closing, Server, payment};

const NOT_EXECUTED: [u16; 8] = [401, 403, 407, 408, 421, 425, 429, 503];
const FINAL: [u16; 9] = [200, 202, 301, 400, 402, 404, 409, 412, 422];
const AMBIGUOUS: [u16; 5] = [500, 501, 502, 504, 599];

/// At most once: every response that may follow an effect is stored.
pub async fn statuses_decide_the_outcome(server: &Server) {
    for status in FINAL.into_iter().chain(AMBIGUOUS) {
        stored(server, "/payments", status, &json!({ "status": status })).await;
    }
    for status in NOT_EXECUTED {
        freed(server, "/payments", status, &json!({ "status": status, "once": true })).await;
    }
}

/// At least once: an ambiguous failure frees the key.
pub async fn at_least_once_frees_the_key_after_an_ambiguous_failure(server: &Server) {
    for status in FINAL {
        stored(server, "/release", status, &json!({ "status": status })).await;
    }
    for status in NOT_EXECUTED.into_iter().chain(AMBIGUOUS) {
        freed(server, "/release", status, &json!({ "status": status, "once": true })).await;
    }
}

/// An outcome that the handler declares overrides the status.
pub async fn a_declared_outcome_overrides_the_status(server: &Server) {
    for path in ["/payments", "/release"] {
        for status in [201, 409, 500, 504] {
            let script = json!({ "status": status, "outcome": "not-executed", "once": true });
            freed(server, path, status, &script).await;
        }
        for status in [403, 429, 500, 503] {
            stored(server, path, status, &json!({ "status": status, "outcome": "final" })).await;
        }
    }
}

/// Asserts that the response of the first run is stored and replayed.
async fn stored(server: &Server, path: &str, status: u16, script: &Value) {
    let note = format!("{path} {script}").replace('"', "'");
    let order = server.order(path, &note).key(&note).order_with(&note, script);
    let first = order.send().await;
    order.send().await.assert_replay_of(first.assert_executed(status));
    server.assert_runs(&note, 1);
}

/// Asserts that the first run frees the key, and that the response of the second run is stored.
async fn freed(server: &Server, path: &str, status: u16, script: &Value) {
    let note = format!("{path} {script}").replace('"', "'");
    let order = server.order(path, &note).key(&note).order_with(&note, script);
    order.send().await.assert_executed(status);
    let second = order.send().await;
    order.send().await.assert_replay_of(second.assert_executed(201));
    server.assert_runs(&note, 2);
}

/// A panic in a handler, in a response conversion or in a body is a 500 without details. The server
/// continues.
pub async fn a_panic_is_final(server: &Server) {
    let in_conversion = json!({ "headers": [["no header name", ""]] });
    let in_body = json!({ "chunks": 1, "ends": "panic" });
    for script in [json!({ "panic": true }), in_conversion, in_body] {
        stored(server, "/payments", 500, &script).await;
    }
    stored(server, "/payments", 201, &json!({})).await;
    let order = server.order("/payments", "n").key("k").order_with("n", &json!({ "panic": true }));
    assert!(!order.send().await.mentions("as instructed"));
}

/// At least once: a panic frees the key, and its response tells the client to retry.
pub async fn a_panic_frees_the_key_under_at_least_once(server: &Server) {
    let script = json!({ "panic": true, "once": true });
    freed(server, "/release", 500, &script).await;
    for (path, retryable) in [("/release", true), ("/payments", false)] {
        let note = format!("panic on {path}");
        let first = server.order(path, &note).key("k").order_with(&note, &script).send().await;
        let document: Value = serde_json::from_slice(&first.body).unwrap();
        assert_eq!(document["retryable"], retryable, "{first:?}");
        assert_eq!(first.mentions("Retry with the same key"), retryable, "{first:?}");
    }
}

/// A panic in an extractor happens before the claim. The framework handles it.
pub async fn a_panic_before_the_claim_leaves_the_key_free(server: &Server) {
    let before = server.faults.calls();
    let order = server.order("/payments", "n").key("k");
    let unreadable = order.clone().order_with("n", &json!({ "unreadable": true }));
    let response = unreadable.try_send().await;
    assert!(response.is_none_or(|response| response.status == 500));
    assert_eq!(server.faults.calls(), before);
    order.send().await.assert_executed(201);
}

/// A request that the router or an extractor refuses leaves the key free.
pub async fn refused_requests_leave_the_key_free(server: &Server) {
    let order = server.order("/payments", "n");
    let text = payment(100, "n").to_string();
    let refused = [
        (order.clone().without_token(), &[401][..]),
        (order.clone().token("unknown"), &[401]),
        (order.clone().token("eve"), &[403]),
        (order.clone().json(&payment(0, "n")), &[400, 422]),
        (
            order.clone().json(&json!({ "currency": "EUR", "source": "s", "note": "n" })),
            &[400, 422],
        ),
        (order.clone().body("application/json", r#"{"amount":100,"#), &[400]),
        (order.clone().body("application/json", ""), &[400]),
        (order.clone().body("text/plain", text), &[415]),
        (order.clone().without_media_type(), &[415]),
        (order.clone().path("/nowhere"), &[404]),
        (server.request("DELETE", "/payments"), &[404, 405]),
    ];
    for (n, (request, statuses)) in refused.into_iter().enumerate() {
        let key = format!("k{n}");
        server.untouched(&request.key(&key)).await.assert_refused(statuses);
        order.clone().key(&key).send().await.assert_executed(201);
    }
    server.assert_runs("n", 11);
}

/// A request whose body did not arrive completely leaves the key free.
pub async fn a_truncated_upload_leaves_the_key_free(server: &Server) {
    let before = server.faults.calls();
    let order = server.order("/payments", "n").key("k");
    for closing in [Closing::Fin, Closing::Rst, Closing::HalfClose] {
        let raw = order.send_truncated().await;
        server.service.until_present(1).await;
        let left = raw.close(closing).await;
        server.service.until_present(0).await;
        assert_eq!(server.faults.calls(), before, "{closing:?}");
        drop(left);
    }
    order.send().await.assert_executed(201);
    server.assert_runs("n", 1);
}

/// A first execution makes two store calls. Every other request makes one.
pub async fn store_calls_are_few(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    order.send().await.assert_executed(201);
    assert_eq!((server.faults.calls().claim, server.faults.calls().complete), (1, 1));
    for claims in 2..5 {
        assert!(order.send().await.is_replay());
        assert_eq!((server.faults.calls().claim, server.faults.calls().complete), (claims, 1));
    }
    order.clone().order("other").send().await;
    assert_eq!((server.faults.calls().claim, server.faults.calls().complete), (5, 1));
    let busy = order.key("busy").order_with("n", &json!({ "status": 503 }));
    busy.send().await.assert_executed(503);
    let calls = server.faults.calls();
    assert_eq!((calls.claim, calls.complete, calls.release, calls.abandon), (6, 1, 1, 0));
}
