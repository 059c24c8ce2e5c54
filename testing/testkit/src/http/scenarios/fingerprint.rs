//! Requests that have the same fingerprint, and requests that do not.

use serde_json::json;

use crate::http::{Problem, Server, payment};

/// A different body neither runs nor gets the stored response. The first response is kept.
pub async fn a_different_body_is_refused(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    let first = order.send().await;
    first.assert_executed(201);
    let other = order.clone().json(&payment(101, "n"));
    other.send().await.assert_problem(&Problem::KEY_REUSED);
    order.send().await.assert_replay_of(&first);
    server.assert_runs("n", 1);
}

/// A mismatch gets 422, not 409, while the first request is still running.
pub async fn a_mismatch_is_reported_before_in_progress(server: &Server) {
    let order = server.order("/payments", "n").key("k").order_with("n", &json!({ "gate": true }));
    let first = order.spawn();
    let gate = server.service.gate("n");
    gate.reached().await;
    order.clone().order("other").send().await.assert_problem(&Problem::KEY_REUSED);
    order.send().await.assert_problem(&Problem::IN_PROGRESS);
    gate.open();
    first.await.unwrap().assert_executed(201);
    server.assert_runs("other", 0);
}

/// The same operation on another resource is a mismatch.
pub async fn a_different_path_or_query_is_refused(server: &Server) {
    let first = server.order("/accounts/1/payments", "n").key("k");
    first.send().await.assert_executed(201);
    for path in ["/accounts/2/payments", "/accounts/1/payments?dry=1", "/accounts/%31/payments"] {
        first.clone().path(path).send().await.assert_problem(&Problem::KEY_REUSED);
    }
    server.assert_runs("n", 1);
}

/// Text that moves from the path to the query changes the fingerprint.
pub async fn path_and_query_are_compared_separately(server: &Server) {
    let amend = server.request("PATCH", "/payments/7?8:9").key("k").order("n");
    amend.send().await.assert_executed(200);
    amend.path("/payments/7:8?9").send().await.assert_problem(&Problem::KEY_REUSED);
    server.assert_runs("n", 1);
}

/// The media type is compared without its parameters and case.
pub async fn a_different_media_type_is_refused(server: &Server) {
    let body = r#"{"a":1}"#;
    let request = server.request("POST", "/json-any?note=n").key("k");
    let first = request.clone().body("application/json", body).send().await;
    first.assert_executed(200);
    for same in ["application/json; charset=utf-8", "Application/JSON", "application/json ;a=\"b\""]
    {
        request.clone().body(same, body).send().await.assert_replay_of(&first);
    }
    for other in ["application/vnd.api+json", "text/plain"] {
        let response = request.clone().body(other, body).send().await;
        response.assert_problem(&Problem::KEY_REUSED);
    }
    let none = request.body("text/plain", body).without_media_type();
    none.send().await.assert_problem(&Problem::KEY_REUSED);
}

/// The order of members, white space and escapes are ignored. The order of arrays and `null` are
/// compared.
pub async fn json_is_compared_by_meaning(server: &Server) {
    let request = server.request("POST", "/json-any?note=n").key("k");
    let send = async |body: &'static str| {
        request.clone().body("application/merge-patch+json", body).send().await
    };
    let first = send(r#"{"a":[1,2],"b":{"c":"\u00e9","d":null}}"#).await;
    first.assert_executed(200);
    for same in [
        r#"{"b":{"d":null,"c":"é"},"a":[1,2]}"#,
        "\r\n{ \"a\" : [ 1 , 2 ] ,\t\"b\":{\"c\":\"\\u00E9\",\"d\":null}}\n",
    ] {
        send(same).await.assert_replay_of(&first);
    }
    for other in [
        r#"{"a":[2,1],"b":{"c":"é","d":null}}"#,
        r#"{"a":[1,2],"b":{"c":"é"}}"#,
        r#"{"a":["1",2],"b":{"c":"é","d":null}}"#,
    ] {
        send(other).await.assert_problem(&Problem::KEY_REUSED);
    }
    server.assert_runs("n", 1);
}

/// Numbers beyond 2^53 are distinguished, and `1.0` differs from `1`.
pub async fn numbers_are_compared_as_written(server: &Server) {
    let request = server.request("POST", "/payments").key("k");
    let order = |amount: &str| {
        let body = format!(r#"{{"amount":{amount},"currency":"EUR","source":"s","note":"n"}}"#);
        request.clone().body("application/json", body)
    };
    let first = order("9007199254740992").send().await;
    first.assert_executed(201);
    order("9007199254740993").send().await.assert_problem(&Problem::KEY_REUSED);
    order("9007199254740992").send().await.assert_replay_of(&first);
    let any = server.request("POST", "/json-any?note=any").key("k");
    any.clone().body("application/json", "1").send().await.assert_executed(200);
    let float = any.body("application/json", "1.0").send().await;
    float.assert_problem(&Problem::KEY_REUSED);
}

/// JSON with duplicate members is compared as bytes, because parsers disagree on which member is
/// used.
pub async fn duplicate_members_are_compared_as_bytes(server: &Server) {
    let request = server.request("POST", "/json-any?note=n").key("k");
    let send =
        async |body: &'static str| request.clone().body("application/json", body).send().await;
    let first = send(r#"{"a":1,"a":2}"#).await;
    send(r#"{"a":1,"a":2}"#).await.assert_replay_of(first.assert_executed(200));
    for other in [r#"{"a":2,"a":1}"#, r#"{"a":1, "a":2}"#, r#"{"a":2}"#, r#"{"a":1,"\u0061":2}"#] {
        send(other).await.assert_problem(&Problem::KEY_REUSED);
    }
}

/// A body that is not JSON is compared byte by byte. Nesting is not limited.
pub async fn bodies_that_are_not_json_are_compared_as_bytes(server: &Server) {
    let nested = |inner: &str| format!("{}{inner}{}", "[".repeat(200), "]".repeat(200));
    let pairs = [
        (nested("1"), nested("2")),
        (r#"{"a":1"#.to_owned(), r#"{"a": 1"#.to_owned()),
        ("no json".to_owned(), "no  json".to_owned()),
        (String::new(), " ".to_owned()),
        (r#""\ud800""#.to_owned(), r#""\ud801""#.to_owned()),
        ("1 2".to_owned(), "1  2".to_owned()),
    ];
    for (n, (body, other)) in pairs.into_iter().enumerate() {
        let request = server.request("POST", "/json-any?note=n").key(&format!("k{n}"));
        let same = request.clone().body("application/json", body);
        let first = same.send().await;
        same.send().await.assert_replay_of(first.assert_executed(200));
        let response = request.body("application/json", other).send().await;
        response.assert_problem(&Problem::KEY_REUSED);
    }
    server.assert_runs("n", 6);
}

/// The same form with another boundary is a replay. Other content, another header of a part and another order are not.
pub async fn multipart_is_compared_by_its_parts(server: &Server) {
    let request = server.request("POST", "/json-any?note=n").key("k");
    let send = async |boundary: &str, form: &[(&str, &str)]| {
        let media_type = format!("multipart/form-data; boundary={boundary}");
        request.clone().body(&media_type, multipart(boundary, form)).send().await
    };
    let (note, file) = ((NOTE, "hi"), (FILE, "--content\r\n"));
    let first = send("first", &[note, file]).await;
    first.assert_executed(200);
    for boundary in ["first", "second", "\"third\""] {
        send(boundary, &[note, file]).await.assert_replay_of(&first);
    }
    let other_name = FILE.replace("f.txt", "g.txt");
    for other in [
        &[note, (FILE, "--other\r\n")][..],
        &[note, (&other_name, file.1)],
        &[file, note],
        &[note],
        &[note, file, file],
    ] {
        send("first", other).await.assert_problem(&Problem::KEY_REUSED);
    }
    server.assert_runs("n", 1);
}

/// A body whose parts are not clear has the boundary in its fingerprint. So has every body with `fingerprint = "raw"`.
pub async fn unclear_multipart_is_compared_as_bytes(server: &Server) {
    let whole = |boundary: &str| multipart(boundary, &[(NOTE, "hi")]);
    let unclear: [fn(String) -> String; 3] = [
        |body| format!("preamble\r\n{body}"),
        |body| format!("{body}epilogue"),
        |body| body.trim_end_matches("--\r\n").to_owned(),
    ];
    for (n, change) in unclear.iter().enumerate() {
        compared_as_bytes(server, "/json-any?note=n", n, |boundary| change(whole(boundary))).await;
    }
    compared_as_bytes(server, "/raw?note=n", unclear.len(), whole).await;
    server.assert_runs("n", 4);
}

async fn compared_as_bytes(server: &Server, path: &str, key: usize, body: impl Fn(&str) -> String) {
    let request = server.request("POST", path).key(&format!("k{key}"));
    let send = async |boundary: &str| {
        let media_type = format!("multipart/form-data; boundary={boundary}");
        request.clone().body(&media_type, body(boundary)).send().await
    };
    let first = send("first").await;
    send("first").await.assert_replay_of(first.assert_executed(200));
    send("second").await.assert_problem(&Problem::KEY_REUSED);
}

/// A form for each of two boundaries in the same bytes, one after or inside of the other. The boundary selects the form that
/// a handler reads, so the other boundary never gets the stored response.
pub async fn the_same_bytes_with_another_boundary_are_refused(server: &Server) {
    let forms = ["first", "second"].map(|boundary| multipart(boundary, &[(NOTE, boundary)]));
    let bodies = [forms.concat(), multipart("first", &[(NOTE, &forms[1])])];
    for path in ["/json-any?note=n", "/raw?note=n"] {
        for (n, body) in bodies.iter().enumerate() {
            for (stored, other) in [("first", "second"), ("second", "first")] {
                let request = server.request("POST", path).key(&format!("{stored}-{n}"));
                let send = async |boundary: &str| {
                    let media_type = format!("multipart/form-data; boundary={boundary}");
                    request.clone().body(&media_type, body.clone()).send().await
                };
                let first = send(stored).await;
                send(stored).await.assert_replay_of(first.assert_executed(200));
                send(other).await.assert_problem(&Problem::KEY_REUSED);
            }
        }
    }
    server.assert_runs("n", 8);
}

const NOTE: &str = "Content-Disposition: form-data; name=\"note\"";
const FILE: &str = "Content-Disposition: form-data; name=\"f\"; filename=\"f.txt\"";

/// A form of parts, each with a header line and its content. `boundary` can be in quotes, as in the media type.
fn multipart(boundary: &str, form: &[(&str, &str)]) -> String {
    let boundary = boundary.trim_matches('"');
    let part =
        |(head, content): &(&str, &str)| format!("--{boundary}\r\n{head}\r\n\r\n{content}\r\n");
    let parts: String = form.iter().map(part).collect();
    format!("{parts}--{boundary}--\r\n")
}

/// Escapes and empty pairs are ignored. The order of pairs is compared.
pub async fn forms_are_compared_by_their_pairs(server: &Server) {
    let request = server.request("POST", "/json-any?note=n").key("k");
    let send = async |body: &'static str| {
        request.clone().body("application/x-www-form-urlencoded", body).send().await
    };
    let first = send("a=1&b=x+y").await;
    first.assert_executed(200);
    for same in ["%61=1&b=x%20y", "a=%31&&b=x+y&"] {
        send(same).await.assert_replay_of(&first);
    }
    for other in ["b=x+y&a=1", "a=1&b=x%2By", "a=1&b=x+y&b=x+y", "a=1&b=x+y%"] {
        send(other).await.assert_problem(&Problem::KEY_REUSED);
    }
    server.assert_runs("n", 1);
}

/// With `fingerprint = "raw"`, bodies are compared as bytes.
pub async fn raw_bodies_are_compared_as_bytes(server: &Server) {
    let request = server.request("POST", "/raw?note=n").key("k");
    let bytes: Vec<u8> = (0..=255).collect();
    let same = request.clone().body("application/octet-stream", bytes.clone());
    let first = same.send().await;
    assert_eq!(first.assert_executed(200).body, bytes);
    same.send().await.assert_replay_of(&first);
    let json = request.key("json").body("application/json", r#"{"a":1,"b":2}"#);
    json.send().await.assert_executed(200);
    let reordered = json.body("application/json", r#"{"b":2,"a":1}"#);
    reordered.send().await.assert_problem(&Problem::KEY_REUSED);
}

/// With `fingerprint = "order.amount"`, only the value of the expression is compared.
pub async fn a_fingerprint_expression_replaces_the_request(server: &Server) {
    let order = server.order("/by-amount", "n").key("k");
    let first = order.send().await;
    first.assert_executed(201);
    order.clone().order("another note").send().await.assert_replay_of(&first);
    let other = order.json(&payment(101, "n"));
    other.send().await.assert_problem(&Problem::KEY_REUSED);
}

/// Headers other than `Content-Type` are ignored.
pub async fn other_headers_are_ignored(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    let first = order.send().await;
    first.assert_executed(201);
    let retry = order.header("user-agent", "another").header("accept", "text/html");
    retry.header("traceparent", "00-1-2-01").send().await.assert_replay_of(&first);
}

/// Two equal payments with different keys both run.
pub async fn another_key_runs_again(server: &Server) {
    let first = server.order("/payments", "n").key("one").send().await;
    let second = server.order("/payments", "n").key("two").send().await;
    assert_ne!(first.assert_executed(201).body, second.assert_executed(201).body);
    server.assert_runs("n", 2);
}
