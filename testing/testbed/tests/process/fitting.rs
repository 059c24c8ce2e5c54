//! Refusals in the formats of other APIs, validation in handlers, uploads and streams.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Response, Server, TestEnv};

/// The refusals of a key that is missing, in use, and used for something else.
async fn refusals(server: &Server, key: &str) -> [Response; 3] {
    let running = server.pay_with("/payments", key, &json!({ "gate": true }));
    let first = running.start_run(server, 1).await;
    let in_use = running.send().await;
    let reused = server.pay("/payments", key).note("other").send().await;
    server.open_gate(key).await;
    first.await.unwrap().expect("a response").assert_executed(201);
    let url = format!("http://{}/payments", server.address);
    let body = json!({ "amount": 1, "currency": "EUR", "source": "s", "note": "n" });
    let missing = server.client.post(url).bearer_auth("alice").json(&body).send().await.unwrap();
    [Response::read(missing).await.expect("a response"), in_use, reused]
}

/// Each refusal has the status and the member at this path in this format, and the headers of all formats.
pub(crate) async fn refusals_have_the_format_of_the_flag(env: &TestEnv) {
    let acp = [
        (400, "idempotency_key_required"),
        (409, "idempotency_in_flight"),
        (422, "idempotency_conflict"),
    ];
    let iceberg = [
        (400, "BadRequestException"),
        (503, "ServiceUnavailableException"),
        (422, "UnprocessableEntityException"),
    ];
    let stripe = [
        (400, "idempotency_key_missing"),
        (409, "idempotency_key_in_use"),
        (400, "idempotency_key_reused"),
    ];
    let problem = [
        (400, "urn:idem:problem:key-missing"),
        (409, "urn:idem:problem:in-progress"),
        (422, "urn:idem:problem:key-reused"),
    ];
    for (format, member, expected) in [
        ("problem", "/type", problem),
        ("acp", "/code", acp),
        ("iceberg", "/error/type", iceberg),
        ("stripe", "/error/code", stripe),
    ] {
        let server = env.start_with(&["--refusal-format", format]).await;
        let refusals = refusals(&server, format).await;
        let slugs = ["key-missing", "in-progress", "key-reused"];
        for ((refusal, (status, text)), slug) in refusals.iter().zip(expected).zip(slugs) {
            let body: Value = serde_json::from_slice(&refusal.body).unwrap();
            let found = body.pointer(member).and_then(Value::as_str);
            assert_eq!((refusal.status, found), (status, Some(text)), "{refusal:?}");
            assert_eq!(refusal.headers["idempotency-refused"], slug);
            assert_eq!(refusal.headers.contains_key("retry-after"), slug == "in-progress");
            // The key is known from the claim on.
            let echoes = format == "acp" && slug != "key-missing";
            assert_eq!(refusal.headers.contains_key("idempotency-key"), echoes, "{refusal:?}");
        }
    }
}

/// A 400 of the handler leaves the key to the corrected request, unless the run acted.
pub(crate) async fn a_handler_may_validate_its_request(env: &TestEnv) {
    let server = env.start().await;
    let pay = |key: &'static str, amount: u64, act: &'static str| {
        let payment = server.pay_with("/validated", key, &json!({ "act": act }));
        payment.amount(amount)
    };
    pay("free", 13, "none").send().await.assert_executed(400);
    pay("free", 14, "none").until_settled().await.assert_executed(201);
    server.assert_counts("free", 2, 1).await;
    let acted = pay("acted", 13, "downstream");
    let first = acted.send().await;
    acted.until_settled().await.assert_replay_of(first.assert_executed(400));
    server.assert_counts("acted", 1, 0).await;
}

/// `curl` makes a new boundary for each request. The second request has the same parts, so it is a replay.
pub(crate) async fn an_upload_is_sent_twice_by_curl(env: &TestEnv) {
    let server = env.start().await;
    let upload = async |content: &str| {
        let file = env.file("upload", content).display().to_string();
        let url = format!("http://{}/multipart", server.address);
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--noproxy", "*", "--include"]);
        curl.args(["--header", "idempotency-key: \"k\""]);
        curl.args(["--header", "authorization: Bearer alice", "--form", "note=n"]);
        curl.args(["--form", &format!("file=@{file}"), &url]);
        let output = curl.stderr(Stdio::inherit()).output().await.expect("`curl`");
        String::from_utf8(output.stdout).unwrap()
    };
    let (first, second) = (upload("hello").await, upload("hello").await);
    assert!(first.starts_with("HTTP/1.1 201"), "{first}");
    assert!(!first.contains("idempotent-replayed: true"), "{first}");
    assert!(second.starts_with("HTTP/1.1 201"), "{second}");
    assert!(second.contains("idempotent-replayed: true"), "{second}");
    let body = |response: &str| response.lines().last().unwrap().to_owned();
    assert_eq!(body(&first), body(&second));
    assert!(body(&first).contains("\"size\":5"), "{first}");
    let changed = upload("hallo").await;
    assert!(changed.starts_with("HTTP/1.1 422"), "{changed}");
    server.assert_counts("n", 1, 1).await;
}

/// The first event arrives while the handler pauses before the second one. The key has a record from then on. The log names the
/// operation once, however many streams it has.
pub(crate) async fn events_arrive_as_they_are_produced(env: &TestEnv) {
    const PAUSE_MS: u64 = 600_000;
    let server = env.start().await;
    for key in ["one", "two"] {
        let pay = server.pay_with("/stream", key, &json!({ "delay_ms": PAUSE_MS }));
        let mut events = pay.open().await;
        assert_eq!(events.headers()["content-type"], "text/event-stream");
        assert_eq!(events.chunk().await.unwrap().unwrap(), "data: 0\n\n");
        let again = pay.until_settled().await;
        assert_eq!(again.headers["idempotency-refused"], "result-unavailable", "{again:?}");
        server.assert_counts(key, 1, 1).await;
    }
    let logs = server.logs().await;
    let is_error = |line: &&str| line.contains("ERROR") && line.contains("POST /stream");
    assert_eq!(logs.lines().filter(is_error).count(), 1, "{logs}");
}
