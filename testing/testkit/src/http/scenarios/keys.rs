//! Valid, invalid and missing keys.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::http::{Problem, Server};

/// A bare and a quoted key with the same text are one key. Parameters are ignored.
pub async fn a_bare_and_a_quoted_key_are_the_same(server: &Server) {
    let order = server.order("/payments", "n");
    let first = order.clone().key_line("order-8471").send().await;
    first.assert_executed(201);
    for line in [r#""order-8471""#, r#""order-8471";v=1;w"#, "  order-8471  "] {
        order.clone().key_line(line).send().await.assert_replay_of(&first);
    }
    server.assert_runs("n", 1);
}

/// A key that is neither a quoted string nor bare text gets 400, without a store call.
pub async fn malformed_keys_are_refused(server: &Server) {
    let malformed: &[&[u8]] = &[
        b"",
        b"   ",
        b"\"\"",
        b"\"   \"",
        b"\"unbalanced",
        b"unbalanced\"",
        b"\"a\" \"b\"",
        b"\"escape \\n\"",
        b"two words",
        b"one;two",
        b"one\\two",
        b"(\"inner\" \"list\")",
        b"?1",
        b":YmluYXJ5:",
        b"@1659578233",
        b"%22percent%22",
        b"caf\xe9",
        "café".as_bytes(),
        "\"café\"".as_bytes(),
        b"a\tb",
    ];
    for line in malformed {
        let response = server.untouched(&server.order("/payments", "n").key_line(line)).await;
        response.assert_problem(&Problem::KEY_INVALID);
    }
    server.assert_runs("n", 0);
}

/// A key has 1 to 255 characters after decoding.
pub async fn a_key_has_1_to_255_characters(server: &Server) {
    let order = server.order("/payments", "n");
    for key in ["k".to_owned(), "k".repeat(255)] {
        let first = order.clone().key(&key).send().await;
        first.assert_executed(201);
        order.clone().key_line(&key).send().await.assert_replay_of(&first);
    }
    for request in [order.clone().key(&"k".repeat(256)), order.key_line("k".repeat(256))] {
        server.untouched(&request).await.assert_problem(&Problem::KEY_INVALID);
    }
    server.assert_runs("n", 2);
}

/// Several lines, or a list in one line, are refused, even if the keys are equal.
pub async fn several_keys_are_refused(server: &Server) {
    let order = server.order("/payments", "n");
    for request in [
        order.clone().key("a").key_line("\"a\""),
        order.clone().key("a").key_line("\"b\""),
        order.clone().key("a").key_line(""),
        order.clone().key_line("a,a"),
        order.clone().key_line("\"a\", \"a\""),
    ] {
        server.untouched(&request).await.assert_problem(&Problem::KEY_INVALID);
    }
    order.key("a").send().await.assert_executed(201);
}

/// Control bytes in a key never reach the handler. Sent over a plain socket, because the HTTP
/// library of the client would reject them.
pub async fn control_bytes_are_refused(server: &Server) {
    for byte in [0x00, 0x01, 0x0b, 0x1f, 0x7f] {
        let key = [b"idempotency-key: \"a", &[byte][..], b"b\""].concat();
        let before = server.faults.calls();
        let raw = server.order("/payments", "n").send_with_line(&key).await;
        assert_eq!(raw.status().await, Some(400), "byte {byte:#04x}");
        assert_eq!(server.faults.calls(), before);
    }
    server.assert_runs("n", 0);
}

/// A request without a key gets 400 where a key is required.
pub async fn a_key_is_required(server: &Server) {
    let response = server.untouched(&server.order("/payments", "n")).await;
    response.assert_problem(&Problem::KEY_MISSING);
    server.assert_runs("n", 0);
}

/// The key is read before the body, so a missing or malformed key is refused without waiting for
/// the body.
pub async fn a_bad_key_is_refused_before_the_body(server: &Server) {
    let order = server.order("/payments", "n");
    for request in [order.clone(), order.key_line("\"")] {
        assert_eq!(request.send_truncated().await.status().await, Some(400));
    }
}

/// On a route with an optional key, a request without a key runs unguarded. A malformed key is
/// still refused.
pub async fn an_optional_key_may_be_missing_but_not_malformed(server: &Server) {
    let order = server.order("/notes", "n");
    for _ in 0..2 {
        server.untouched(&order).await.assert_executed(201);
    }
    server.assert_runs("n", 2);
    let malformed = server.untouched(&order.clone().key_line("")).await;
    malformed.assert_problem(&Problem::KEY_INVALID);
    let keyed = order.key("k");
    let first = keyed.send().await;
    keyed.send().await.assert_replay_of(first.assert_executed(201));
    server.assert_runs("n", 3);
}

/// With `syntax = "strict"`, only quoted keys are accepted.
pub async fn a_strict_route_accepts_only_quoted_keys(server: &Server) {
    let order = server.order("/strict", "n");
    let bare = server.untouched(&order.clone().key_line("bare")).await;
    bare.assert_problem(&Problem::KEY_INVALID);
    let missing = server.untouched(&order).await;
    missing.assert_problem(&Problem::KEY_MISSING);
    let quoted = order.key("bare");
    let first = quoted.send().await;
    quoted.send().await.assert_replay_of(first.assert_executed(201));
}

/// With `key = "order.note"`, the key comes from an argument and follows the same rules as a
/// header.
pub async fn a_key_may_come_from_an_argument(server: &Server) {
    let order = server.order("/by-note", "event 1");
    let first = order.send().await;
    order.clone().key("ignored").send().await.assert_replay_of(first.assert_executed(201));
    server.order("/by-note", "event 2").send().await.assert_executed(201);
    for note in ["", "  ", "café", &"n".repeat(256)] {
        let response = server.untouched(&server.order("/by-note", note)).await;
        response.assert_problem(&Problem::KEY_INVALID);
    }
}

/// The header name is configurable. The default header then has no effect.
pub async fn the_header_name_is_configurable(server: &Server) {
    let server = server.with(|builder| builder.header("X-Request-Key")).await;
    let order = server.order("/payments", "n");
    order.clone().key("k").send().await.assert_problem(&Problem::KEY_MISSING);
    let named = order.header("x-request-key", "k");
    let first = named.send().await;
    named.send().await.assert_replay_of(first.assert_executed(201));
}

/// Keys are case-sensitive.
pub async fn keys_are_case_sensitive(server: &Server) {
    server.order("/payments", "n").key("key").send().await.assert_executed(201);
    server.order("/payments", "n").key("KEY").send().await.assert_executed(201);
}

/// Safe methods run unguarded, even with a malformed key. All other methods are guarded.
pub async fn safe_methods_bypass_the_guard(server: &Server) {
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        let path = format!("/any?note={method}");
        let keyed = server.request(method, &path).key("k");
        let malformed = server.request(method, &path).key_line("");
        for request in [&keyed, &keyed, &malformed, &server.request(method, &path)] {
            server.untouched(request).await.assert_executed(204);
        }
        server.assert_runs(method, 4);
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let path = format!("/any?note={method}");
        let missing = server.untouched(&server.request(method, &path)).await;
        missing.assert_problem(&Problem::KEY_MISSING);
        let keyed = server.request(method, &path).key("k");
        keyed.send().await.assert_executed(204);
        assert!(keyed.send().await.is_replay());
        server.assert_runs(method, 1);
    }
}

/// A key is accepted under each of its names, and under several of them in one request.
pub async fn a_key_may_have_several_header_names(server: &Server) {
    let server = server.with(|builder| builder.header_aliases(["X-Request-Key"])).await;
    let order = server.order("/payments", "n");
    let first = order.clone().header("x-request-key", "k").send().await;
    first.assert_executed(201);
    order.clone().key("k").send().await.assert_replay_of(&first);
    let both = order.key("k").header("x-request-key", "k");
    both.send().await.assert_replay_of(&first);
    server.assert_runs("n", 1);
}

/// Several names must have one key, in one line each.
pub async fn different_keys_under_several_names_are_refused(server: &Server) {
    let server = server.with(|builder| builder.header_aliases(["X-Request-Key"])).await;
    let order = server.order("/payments", "n");
    let both = order.clone().key("k");
    for other in ["other", ""] {
        let contradictory = both.clone().header("x-request-key", other);
        server.untouched(&contradictory).await.assert_problem(&Problem::KEY_INVALID);
    }
    let twice = order.clone().header("x-request-key", "k").header("x-request-key", "k");
    server.untouched(&twice).await.assert_problem(&Problem::KEY_INVALID);
    server.untouched(&order).await.assert_problem(&Problem::KEY_MISSING);
    server.assert_runs("n", 0);
}

/// Shorter keys are refused.
pub async fn a_minimum_length_of_keys_is_configurable(server: &Server) {
    let server = server.with(|builder| builder.min_key_len(4)).await;
    let order = server.order("/payments", "n");
    let short = order.clone().key("123");
    server.untouched(&short).await.assert_problem(&Problem::KEY_INVALID);
    order.key("1234").send().await.assert_executed(201);
}

/// The minimum applies to the key of an expression too.
pub async fn a_key_from_an_argument_has_a_minimum_length(server: &Server) {
    let server = server.with(|builder| builder.min_key_len(4)).await;
    let by_note = server.order("/by-note", "123");
    server.untouched(&by_note).await.assert_problem(&Problem::KEY_INVALID);
    server.order("/by-note", "1234").send().await.assert_executed(201);
}

/// With `format = "uuid"`, a key must be a UUID with hyphens, also where the key is optional.
pub async fn a_key_may_have_to_be_a_uuid(server: &Server) {
    let order = server.order("/uuid", "n");
    let uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
    let keyed = order.clone().key(uuid);
    let first = keyed.send().await;
    keyed.send().await.assert_replay_of(first.assert_executed(201));
    for key in ["order-8471", "8e03978e40d543ddbc936894a57f9324", Uuid::nil().to_string().as_str()]
    {
        let refused = server.untouched(&order.clone().key(key)).await;
        refused.assert_problem(&Problem::KEY_INVALID);
    }
    server.untouched(&order).await.assert_executed(201);
    server.assert_runs("n", 2);
}

/// With `max_age = "24h"`, a key that was created earlier is refused before the store is called, although its record may have
/// expired. So is a key from the future.
pub async fn an_old_key_is_refused(server: &Server) {
    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);
    let now = SystemTime::now();
    for created in [now - 23 * HOUR, now, now + 4 * MINUTE] {
        let order = server.order("/recent", "n").key(&key_of(created));
        let first = order.send().await;
        order.send().await.assert_replay_of(first.assert_executed(201));
    }
    server.assert_runs("n", 3);
    let old = server.order("/recent", "n").key(&key_of(now - 31 * HOUR));
    let refused = server.untouched(&old).await;
    refused.assert_problem(&Problem::KEY_INVALID);
    assert!(refused.mentions("created 31 h ago; retries are possible for 24 h"), "{refused:?}");
    for key in [key_of(now + 6 * MINUTE), "8e03978e-40d5-43dd-bc93-6894a57f9324".to_owned()] {
        let refused = server.untouched(&server.order("/recent", "n").key(&key)).await;
        refused.assert_problem(&Problem::KEY_INVALID);
    }
    server.assert_runs("n", 3);
}

/// A UUID of version 7 that was created at `created`.
fn key_of(created: SystemTime) -> String {
    let millis = created.duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
    let millis = u64::try_from(millis.as_millis()).expect("a time before the year 10000");
    let random: [u8; 10] = rand::random();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
}

/// Responses of handlers, replays and refusals repeat the key as it was sent.
pub async fn a_response_may_echo_the_key(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    assert!(order.send().await.lines("idempotency-key").is_empty());
    let server = server.with(|builder| builder.echo_key(true)).await;
    let order = server.order("/payments", "n").key("k");
    let first = order.send().await;
    assert_eq!(first.assert_executed(201).line("idempotency-key"), "\"k\"");
    let bare = order.clone().without_key().key_line("k").send().await;
    assert!(bare.is_replay());
    assert_eq!(bare.line("idempotency-key"), "k");
    let reused = order.order("other").send().await;
    assert_eq!(reused.assert_problem(&Problem::KEY_REUSED).line("idempotency-key"), "\"k\"");
}
