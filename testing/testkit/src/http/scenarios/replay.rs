//! What a retry gets (R23-R27, R29).

use std::time::Duration;

use serde_json::json;

use crate::http::{Problem, Server};

/// R23, R25: status, body and headers of the first, marked.
pub async fn an_answer_is_replayed_byte_for_byte(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    let first = order.send().await;
    first.assert_executed(201);
    for _ in 0..3 {
        let replay = order.send().await;
        replay.assert_replay_of(&first);
        assert_eq!(replay.line("cache-control"), "private");
        assert_eq!(replay.line("x-resource-version"), first.line("x-resource-version"));
        assert_eq!(replay.lines("link").len(), 2, "neither merged nor split");
    }
    server.assert_runs("n", 1);
}

/// R23: a status without a body, a redirect, a decline, and a failure.
pub async fn every_kind_of_answer_is_replayed(server: &Server) {
    for (path, status) in [("/empty", 204), ("/see-other", 303), ("/accepted", 202)] {
        let order = server.order(path, path).key("k");
        let first = order.send().await;
        first.assert_executed(status);
        assert!(first.body.is_empty());
        order.send().await.assert_replay_of(&first);
        server.assert_runs(path, 1);
    }
    let empty = server.order("/payments", "empty").key("empty body");
    let empty = empty.order_with("empty", &json!({ "chunks": 0 }));
    let first = empty.send().await;
    assert!(first.assert_executed(201).body.is_empty());
    empty.send().await.assert_replay_of(&first);
}

/// A handler that takes nothing can still be guarded.
pub async fn a_handler_without_parameters_is_guarded(server: &Server) {
    let request = server.request("POST", "/nothing").key("k");
    let first = request.send().await;
    request.send().await.assert_replay_of(first.assert_executed(204));
    let missing = server.untouched(&server.request("POST", "/nothing")).await;
    missing.assert_problem(&Problem::KEY_MISSING);
}

/// R24: the deny-list.
pub async fn headers_of_a_moment_a_session_or_a_trace_are_not_replayed(server: &Server) {
    let mut denied = vec!["set-cookie", "x-request-id"];
    let more = [
        "age",
        "expires",
        "server",
        "via",
        "www-authenticate",
        "authentication-info",
        "proxy-authenticate",
        "proxy-authentication-info",
        "retry-after",
        "ratelimit",
        "ratelimit-policy",
        "x-ratelimit-remaining",
        "access-control-allow-origin",
        "alt-svc",
        "server-timing",
        "traceparent",
        "tracestate",
        "b3",
        "x-b3-traceid",
        "x-correlation-id",
        "x-amzn-trace-id",
    ];
    let kept = ["content-language", "last-modified", "content-location", "x-applications-own"];
    let headers: Vec<_> = more.iter().chain(&kept).map(|name| (name, "1")).collect();
    let order =
        server.order("/payments", "n").key("k").order_with("n", &json!({ "headers": headers }));
    denied.extend(more);
    let (first, replay) = (order.send().await, order.send().await);
    replay.assert_replay_of(first.assert_executed(201));
    for name in denied {
        assert!(!first.lines(name).is_empty(), "the first caller gets `{name}`");
        assert!(replay.lines(name).is_empty(), "`{name}` is replayed");
    }
    for name in kept {
        assert_eq!(replay.line(name), "1");
    }
}

/// R24: `Connection` and what it names.
pub async fn headers_of_the_connection_are_not_replayed(server: &Server) {
    let headers = json!([["connection", "x-hop"], ["x-hop", "1"], ["x-kept", "2"]]);
    let order = server.order("/payments", "n").key("k");
    let order = order.order_with("n", &json!({ "headers": headers }));
    let (first, replay) = (order.send().await, order.send().await);
    replay.assert_replay_of(first.assert_executed(201));
    assert_eq!(first.line("x-hop"), "1");
    assert!(replay.lines("x-hop").is_empty());
    assert_eq!(replay.line("x-kept"), "2");
}

/// R24: bytes outside of ASCII, and repeated fields in their order.
pub async fn any_header_bytes_are_replayed(server: &Server) {
    let headers = json!([["x-name", "caf\u{e9}"], ["x-name", "a, b"], ["x-empty", ""]]);
    let order = server.order("/payments", "n").key("k");
    let order = order.order_with("n", &json!({ "headers": headers }));
    let (first, replay) = (order.send().await, order.send().await);
    for answer in [first.assert_executed(201), replay.assert_replay_of(&first)] {
        assert_eq!(answer.lines("x-name"), [&b"caf\xe9"[..], b"a, b"]);
        assert_eq!(answer.lines("x-empty"), [b""]);
    }
}

/// R24: `Date` is of now, `Content-Length` of the body, whatever the first had.
pub async fn framing_is_made_anew(server: &Server) {
    let sim = json!({ "headers": [["date", "Tue, 15 Nov 1994 08:12:31 GMT"]], "chunks": 3 });
    let order = server.order("/payments", "n").key("k").order_with("n", &sim);
    let (first, replay) = (order.send().await, order.send().await);
    replay.assert_replay_of(first.assert_executed(201));
    assert!(!replay.line("date").contains("1994"), "{replay:?}");
    assert_eq!(replay.line("content-length"), replay.body.len().to_string());
    assert!(replay.lines("transfer-encoding").is_empty());
}

/// R25: the marker of a handler is taken off, also where nothing guards it.
pub async fn a_handler_cannot_fake_the_marker(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    let order = order.order_with("n", &json!({ "headers": [["idempotent-replayed", "true"]] }));
    let first = order.send().await;
    order.send().await.assert_replay_of(first.assert_executed(201));
    let unguarded = order.path("/notes").without_key();
    unguarded.send().await.assert_executed(201);
}

/// R26: the retry's `If-Match` is stale because of the first; that is no 412.
pub async fn a_stale_precondition_is_replayed(server: &Server) {
    let amend = server.request("PATCH", "/payments/7").order("n").header("if-match", "\"0\"");
    let first = amend.clone().key("k").send().await;
    first.assert_executed(200);
    assert_eq!(first.line("etag"), "\"1\"");
    amend.clone().key("k").send().await.assert_replay_of(&first);
    let stale = amend.key("another");
    let refused = stale.send().await;
    refused.assert_executed(412);
    stale.send().await.assert_replay_of(&refused);
}

/// R29: counted from completion, not extended by replays; then the key is new.
pub async fn a_key_is_new_after_its_ttl(server: &Server) {
    let order = server.order("/short", "n").key("k");
    let first = order.send().await;
    first.assert_executed(201);
    server.advance_clock(Duration::from_secs(59 * 60));
    order.send().await.assert_replay_of(&first);
    server.advance_clock(Duration::from_secs(60));
    let second = order.send().await;
    assert_ne!(second.assert_executed(201).body, first.body);
    server.assert_runs("n", 2);
}
