//! The responses that a retry gets.

use std::time::Duration;

use idem_core::http::StoredHeaders;
use serde_json::json;

use crate::http::{Problem, Server};

/// A replay has the status, body and headers of the first response, and the replay marker.
pub async fn a_response_is_replayed_byte_for_byte(server: &Server) {
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

/// Responses without a body, redirects and empty bodies are replayed.
pub async fn every_kind_of_response_is_replayed(server: &Server) {
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

/// A handler without parameters can be guarded.
pub async fn a_handler_without_parameters_is_guarded(server: &Server) {
    let request = server.request("POST", "/nothing").key("k");
    let first = request.send().await;
    request.send().await.assert_replay_of(first.assert_executed(204));
    let missing = server.untouched(&server.request("POST", "/nothing")).await;
    missing.assert_problem(&Problem::KEY_MISSING);
}

/// Headers on the deny list reach the first caller and are not replayed.
pub async fn date_cookie_and_tracing_headers_are_not_replayed(server: &Server) {
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

/// `Connection`, and the headers that it names, are not replayed.
pub async fn connection_headers_are_not_replayed(server: &Server) {
    let headers = json!([["connection", "x-hop"], ["x-hop", "1"], ["x-kept", "2"]]);
    let order = server.order("/payments", "n").key("k");
    let order = order.order_with("n", &json!({ "headers": headers }));
    let (first, replay) = (order.send().await, order.send().await);
    replay.assert_replay_of(first.assert_executed(201));
    assert_eq!(first.line("x-hop"), "1");
    assert!(replay.lines("x-hop").is_empty());
    assert_eq!(replay.line("x-kept"), "2");
}

/// Bytes outside ASCII and repeated fields are replayed in their order.
pub async fn any_header_bytes_are_replayed(server: &Server) {
    let headers = json!([["x-name", "caf\u{e9}"], ["x-name", "a, b"], ["x-empty", ""]]);
    let order = server.order("/payments", "n").key("k");
    let order = order.order_with("n", &json!({ "headers": headers }));
    let (first, replay) = (order.send().await, order.send().await);
    for response in [first.assert_executed(201), replay.assert_replay_of(&first)] {
        assert_eq!(response.lines("x-name"), [&b"caf\xe9"[..], b"a, b"]);
        assert_eq!(response.lines("x-empty"), [b""]);
    }
}

/// A replay has a current `Date` and a `Content-Length` that fits its body, no matter what the
/// first response had.
pub async fn framing_headers_are_generated(server: &Server) {
    let script = json!({ "headers": [["date", "Tue, 15 Nov 1994 08:12:31 GMT"]], "chunks": 3 });
    let order = server.order("/payments", "n").key("k").order_with("n", &script);
    let (first, replay) = (order.send().await, order.send().await);
    replay.assert_replay_of(first.assert_executed(201));
    assert!(!replay.line("date").contains("1994"), "{replay:?}");
    assert_eq!(replay.line("content-length"), replay.body.len().to_string());
    assert!(replay.lines("transfer-encoding").is_empty());
}

/// A replay marker that a handler sets is removed, also on unguarded requests.
pub async fn a_handler_cannot_set_the_replay_marker(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    let order = order.order_with("n", &json!({ "headers": [["idempotent-replayed", "true"]] }));
    let first = order.send().await;
    order.send().await.assert_replay_of(first.assert_executed(201));
    let unguarded = order.path("/notes").without_key();
    unguarded.send().await.assert_executed(201);
}

/// Only a refusal of idem has the header of refusals.
pub async fn a_handler_cannot_set_the_header_of_refusals(server: &Server) {
    let script = json!({ "headers": [["Idempotency-Refused", "in-progress"]] });
    let order = server.order("/payments", "n").key("k").order_with("n", &script);
    let unguarded = order.clone().path("/notes").without_key();
    for response in [order.send().await, order.send().await, unguarded.send().await] {
        assert_eq!(response.status, 201);
        assert!(response.lines("idempotency-refused").is_empty(), "{response:?}");
    }
}

/// The first request makes the `If-Match` of its retry stale. The retry still gets the stored
/// response, not 412.
pub async fn a_stale_precondition_is_replayed(server: &Server) {
    let amend = server.request("PATCH", "/payments/7").order("n").header("if-match", "\"7-1\"");
    let first = amend.clone().key("k").send().await;
    first.assert_executed(200);
    assert_eq!(first.line("etag"), "\"7-2\"");
    amend.clone().key("k").send().await.assert_replay_of(&first);
    let stale = amend.key("another");
    let refused = stale.send().await;
    refused.assert_executed(412);
    stale.send().await.assert_replay_of(&refused);
}

/// The ttl counts from completion, and replays do not extend it. Afterwards the key is new.
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

/// The service can narrow the stored headers. The first caller gets all of them.
pub async fn the_stored_headers_are_configurable(server: &Server) {
    let only = StoredHeaders::only(["location", "set-cookie"]);
    let server = server.with(|builder| builder.stored_headers(only)).await;
    let order = server.order("/payments", "n").key("k");
    let first = order.send().await;
    assert_eq!(first.assert_executed(201).lines("link").len(), 2);
    let replay = order.send().await;
    assert!(replay.is_replay());
    assert_eq!(replay.body, first.body);
    for stored in ["location", "content-type"] {
        assert_eq!(replay.lines(stored), first.lines(stored));
    }
    for dropped in ["link", "etag", "set-cookie"] {
        assert!(replay.lines(dropped).is_empty(), "{dropped}");
    }
}

/// Another name takes the place of the usual one, and handlers cannot set either.
pub async fn the_name_of_the_replay_marker_is_configurable(server: &Server) {
    let server = server.with(|builder| builder.replay_marker("X-Replay")).await;
    let headers = json!([["x-replay", "true"], ["idempotent-replayed", "true"]]);
    let order = server.order("/payments", "n").key("k");
    let order = order.order_with("n", &json!({ "headers": headers }));
    let first = order.send().await;
    assert!(first.assert_executed(201).lines("x-replay").is_empty());
    let replay = order.send().await;
    assert_eq!((replay.line("x-replay"), replay.is_replay()), ("true", false));
    let unguarded =
        server.order("/notes", "free").order_with("free", &json!({ "headers": headers }));
    assert!(unguarded.send().await.lines("x-replay").is_empty());
}
