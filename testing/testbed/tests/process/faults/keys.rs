//! Similar keys and bodies, a scope beyond its quota, and secrets in requests.

use reqwest::header::HeaderValue;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use crate::support::{Problem, Server, TestEnv};

pub(crate) async fn fault_similar_keys(env: &TestEnv) {
    let server = env.start().await;
    let longest = "k".repeat(255);
    let pairs = [
        ("inj1", "b:c"),
        ("inj2", "c"),
        ("alice", "b:c"),
        ("alice", "{k}"),
        ("alice", "{k"),
        ("alice", "k}"),
        ("alice", "{}"),
        ("alice", "K"),
        ("alice", "k"),
        ("alice", "k "),
        ("alice", longest.as_str()),
        ("alice", &longest[1..]),
    ];
    for (n, (token, key)) in pairs.into_iter().enumerate() {
        let pay = server.pay("/payments", key).token(token).note(&format!("n{n}"));
        let first = pay.send().await;
        pay.until_settled().await.assert_replay_of(first.assert_executed(201));
    }
    let too_long = server.pay("/payments", &"k".repeat(256)).note("refused");
    assert_eq!(too_long.send().await.status, 400);
    for bytes in ["\"ключ\"".as_bytes(), b"\"\xff\"", b"\"a\tb\""] {
        assert_eq!(refused(&server, bytes).await, 400, "{bytes:?}");
    }
    let mut response = [0; 12];
    let mut nul = server.pay("/payments", "a\0b").note("refused").raw().await;
    nul.read_exact(&mut response).await.unwrap();
    assert_eq!(&response, b"HTTP/1.1 400");
    server.assert_counts("refused", 0, 0).await;
}

async fn refused(server: &Server, key: &[u8]) -> u16 {
    let body = json!({ "amount": 1, "currency": "EUR", "source": "s", "note": "refused" });
    let request = server.client.post(format!("http://{}/payments", server.address));
    let request = request.bearer_auth("alice").json(&body);
    let request = request.header("idempotency-key", HeaderValue::from_bytes(key).unwrap());
    request.send().await.unwrap().status().as_u16()
}

/// The quota of the tenant `flood`.
const QUOTA: usize = 5;

pub(crate) async fn fault_scope_exceeds_quota(env: &TestEnv) {
    let server = env.start().await;
    let mut flood = JoinSet::new();
    for n in 0..1000 {
        let pay = server.pay("/payments", &format!("f{n}")).token("flood");
        // On a busy machine, some store calls exceed their timeout. These requests are repeated.
        flood.spawn(
            async move { pay.until(|response| !response.is(Problem::StoreUnavailable)).await },
        );
        if n % 20 == 0 {
            server
                .pay("/payments", &format!("f{n}"))
                .note(&format!("other{n}"))
                .send()
                .await
                .assert_executed(201);
        }
    }
    let responses = flood.join_all().await;
    let (ran, refused): (Vec<_>, Vec<_>) =
        responses.iter().partition(|response| response.status == 201);
    assert_eq!(ran.len(), QUOTA);
    refused.iter().for_each(|response| response.assert_problem(Problem::ScopeFull));
}

pub(crate) async fn fault_similar_bodies(env: &TestEnv) {
    let server = env.start().await;
    let body = |amount: &str, more: &str| {
        format!(r#"{{"amount":{amount},"currency":"EUR","source":"s","note":"k"{more}}}"#)
    };
    let pay = |text: &str| server.pay("/payments", "k").text(text);
    let amount = "9007199254740992";
    let first = pay(&body(amount, "")).send().await;
    first.assert_executed(201);
    let reordered =
        r#"{ "note": "k", "source": "s", "currency": "EUR", "amount": 9007199254740992 }"#;
    pay(reordered).until_settled().await.assert_replay_of(&first);
    for other in
        [body("9007199254740993", ""), body("9007199254740994", ""), body(amount, r#","x":1"#)]
    {
        pay(&other).send().await.assert_problem(Problem::KeyReused);
    }
    server.assert_counts("k", 1, 1).await;
    // Parsers disagree on which of two equal members is used.
    let twice = body(amount, r#","x":1,"x":1"#).replace(r#""k""#, r#""twice""#);
    let pay = |text: &str| server.pay("/payments", "twice").text(text);
    let first = pay(&twice).send().await;
    pay(&twice).until_settled().await.assert_replay_of(first.assert_executed(201));
    let once = twice.replace(r#","x":1,"x":1"#, r#","x":1"#);
    let spaced = twice.replace(r#","x""#, r#", "x""#);
    for other in [once, spaced] {
        pay(&other).send().await.assert_problem(Problem::KeyReused);
    }
    server.assert_counts("twice", 1, 1).await;
}

pub(crate) async fn fault_secret_in_request(env: &TestEnv) {
    let server = env.start().await;
    let secrets = ["a-secret-key", "a-secret-memo", "alice", "a-secret-cookie"];
    let body = r#"{"amount":1,"currency":"EUR","source":"s","memo":"a-secret-memo""#;
    let mut responses = Vec::new();
    for (n, script) in [
        json!({}),
        json!({ "status": 500 }),
        json!({ "panic": true }),
        json!({ "size": idem_testkit::app::MAX_RESPONSE + 9 }),
        json!({ "status": 429 }),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("a-secret-key-{n}");
        let note = format!("n{n}");
        let text = format!(r#"{body},"note":"{note}","sim":{script}}}"#);
        let pay = server.pay("/payments", &key).note(&note).text(&text).cookie("a-secret-cookie");
        pay.send().await;
        responses.push(pay.send().await);
        responses.push(server.pay("/payments", &key).note("other").send().await);
    }
    server.set_store("down").await;
    let pay = server.pay("/payments", "a-secret-key");
    responses.push(pay.send().await);
    let logs = server.logs().await;
    assert!(logs.contains("idempotent"), "{logs}");
    for secret in secrets {
        assert!(!logs.contains(secret), "{secret} in {logs}");
        let contains = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(secret);
        assert!(
            !responses.iter().any(|response| contains(&response.body)),
            "{secret} in {responses:?}"
        );
    }
}
