//! What is stored, and what leaves the key free (R21, R22).

use serde_json::{Value, json};

use crate::http::{Closing, Server};

const REFUSED_BEFORE_ACTING: [u16; 8] = [401, 403, 407, 408, 421, 425, 429, 503];
const ANSWERS: [u16; 9] = [200, 202, 301, 400, 402, 404, 409, 412, 422];
const AMBIGUOUS: [u16; 5] = [500, 501, 502, 504, 599];

/// R21, at most once: what may have had an effect is final.
pub async fn statuses_end_as_the_table_says(server: &Server) {
    for status in ANSWERS.into_iter().chain(AMBIGUOUS) {
        stored(server, "/payments", status, &json!({ "status": status })).await;
    }
    for status in REFUSED_BEFORE_ACTING {
        freed(server, "/payments", status, &json!({ "status": status, "once": true })).await;
    }
}

/// R21, `guarantee = "at-least-once"`.
pub async fn at_least_once_frees_what_is_ambiguous(server: &Server) {
    for status in ANSWERS {
        stored(server, "/release", status, &json!({ "status": status })).await;
    }
    for status in REFUSED_BEFORE_ACTING.into_iter().chain(AMBIGUOUS) {
        freed(server, "/release", status, &json!({ "status": status, "once": true })).await;
    }
}

/// R21: a declared outcome counts more than the status.
pub async fn handlers_may_say_how_it_ended(server: &Server) {
    for path in ["/payments", "/release"] {
        for status in [201, 409, 500, 504] {
            let sim = json!({ "status": status, "declare": "not-executed", "once": true });
            freed(server, path, status, &sim).await;
        }
        for status in [403, 429, 500, 503] {
            stored(server, path, status, &json!({ "status": status, "declare": "final" })).await;
        }
    }
}

/// The answer of a first run is the answer.
async fn stored(server: &Server, path: &str, status: u16, sim: &Value) {
    let note = format!("{path} {sim}").replace('"', "'");
    let order = server.order(path, &note).key(&note).order_with(&note, sim);
    let first = order.send().await;
    order.send().await.assert_replay_of(first.assert_executed(status));
    server.assert_runs(&note, 1);
}

/// After a first run the key is free, and the second is the first that counts.
async fn freed(server: &Server, path: &str, status: u16, sim: &Value) {
    let note = format!("{path} {sim}").replace('"', "'");
    let order = server.order(path, &note).key(&note).order_with(&note, sim);
    order.send().await.assert_executed(status);
    let second = order.send().await;
    order.send().await.assert_replay_of(second.assert_executed(201));
    server.assert_runs(&note, 2);
}

/// R21: a handler, a conversion or a body that panics is a 500 that says nothing; the server lives.
pub async fn a_panic_is_final(server: &Server) {
    let in_conversion = json!({ "headers": [["no header name", ""]] });
    let in_body = json!({ "chunks": 1, "ends": "panic" });
    for sim in [json!({ "panic": true }), in_conversion, in_body] {
        stored(server, "/payments", 500, &sim).await;
    }
    stored(server, "/payments", 201, &json!({})).await;
    let order = server.order("/payments", "n").key("k").order_with("n", &json!({ "panic": true }));
    assert!(!order.send().await.mentions("as told"));
}

/// R21
pub async fn a_panic_frees_the_key_under_at_least_once(server: &Server) {
    freed(server, "/release", 500, &json!({ "panic": true, "once": true })).await;
}

/// A panic in an extractor happens before the claim and is left to the application.
pub async fn a_panic_before_the_claim_leaves_the_key_free(server: &Server) {
    let before = server.faults.calls();
    let order = server.order("/payments", "n").key("k");
    let answer = order.clone().token("bomb").try_send().await;
    assert!(answer.is_none_or(|answer| answer.status == 500));
    assert_eq!(server.faults.calls(), before);
    order.send().await.assert_executed(201);
}

/// R22: what the router or an extractor refuses.
pub async fn refused_requests_leave_the_key_free(server: &Server) {
    let order = server.order("/payments", "n");
    let text = r#"{"amount":100,"note":"n"}"#;
    let refused = [
        (order.clone().without_token(), &[401][..]),
        (order.clone().token("nobody"), &[401]),
        (order.clone().token("eve"), &[403]),
        (order.clone().json(&json!({ "amount": 0, "note": "n" })), &[400, 422]),
        (order.clone().json(&json!({ "note": "n" })), &[400, 422]),
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

/// R22, R36: a body that did not arrive is no request.
pub async fn a_truncated_upload_leaves_the_key_free(server: &Server) {
    let before = server.faults.calls();
    let order = server.order("/payments", "n").key("k");
    for closing in [Closing::Fin, Closing::Rst, Closing::HalfClose] {
        let raw = order.send_truncated().await;
        server.payments.until_present(1).await;
        let left = raw.close(closing).await;
        server.payments.until_present(0).await;
        assert_eq!(server.faults.calls(), before, "{closing:?}");
        drop(left);
    }
    order.send().await.assert_executed(201);
    server.assert_runs("n", 1);
}

/// DESIGN section 4: two calls for a first execution, one for everything else.
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
