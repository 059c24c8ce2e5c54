//! The HTTP contract of the testbed on both frameworks, which external suites rely on.

use futures_util::future::join_all;
use idem_testkit::servers::eventually;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{IMPATIENT, Problem, Server, Store, TestEnv};

const ORDERS: [(&str, u16); 19] = [
    ("/payments", 201),
    ("/refunds", 201),
    ("/accounts/7/payments", 201),
    ("/notes", 201),
    ("/user-payments", 201),
    ("/json-any?note=any", 201),
    ("/empty", 204),
    ("/see-other", 303),
    ("/accepted", 202),
    ("/short", 201),
    ("/wait", 201),
    ("/release", 201),
    ("/hold", 201),
    ("/takeover", 201),
    ("/recover", 201),
    ("/acted", 201),
    ("/validated", 201),
    ("/strict", 201),
    ("/raw?note=raw", 200),
];

fn order(note: &str) -> Value {
    json!({ "amount": 1, "currency": "EUR", "source": "s", "note": note })
}

impl Server {
    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address)).bearer_auth("alice")
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> reqwest::Response {
        let request =
            self.request(Method::POST, path).header("idempotency-key", format!("\"{key}\""));
        request.json(body).send().await.unwrap()
    }

    /// Sends a request again, until the end of the first one is stored. A slow store may accept it only after the response.
    async fn post_again(&self, path: &str, key: &str, body: &Value) -> reqwest::Response {
        eventually("end of the first run", async || {
            let response = self.post(path, key, body).await;
            let refused = response.headers().get("idempotency-refused");
            refused.is_none_or(|slug| slug != "in-progress").then_some(response)
        })
        .await
    }
}

fn replayed(response: &reqwest::Response) -> bool {
    response.headers().contains_key("idempotent-replayed")
}

/// The client of the server returned follows no redirects, so `/see-other` is visible.
fn without_redirects(mut server: Server) -> Server {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    server.client = client.build().unwrap();
    server
}

pub(crate) async fn every_route_succeeds_and_replays(env: &TestEnv) {
    let server = without_redirects(env.start().await);
    for (path, status) in ORDERS {
        let first = server.post(path, path, &order("n")).await;
        assert_eq!((first.status().as_u16(), replayed(&first)), (status, false), "{path}");
        let again = server.post_again(path, path, &order("n")).await;
        assert_eq!((again.status().as_u16(), replayed(&again)), (status, true), "{path}");
        assert_eq!(first.bytes().await.unwrap(), again.bytes().await.unwrap(), "{path}");
    }
    for path in ["/payments", "/payments/7"] {
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(server.request(method, path).send().await.unwrap().status(), 200, "{path}");
        }
    }
    let label =
        server.request(Method::PUT, "/payments/7/label").json(&json!({ "label": "l", "x": 1 }));
    assert_eq!(label.send().await.unwrap().status(), 200);
    let unkeyed = server.request(Method::POST, "/payments").json(&order("n")).send().await.unwrap();
    assert_eq!(unkeyed.status(), 400);
    let unkeyed = server.request(Method::POST, "/notes").json(&order("n")).send().await.unwrap();
    assert_eq!(unkeyed.status(), 201);
}

/// A layer around plain handlers keeps the contract, and shares its keys with the attribute.
pub(crate) async fn a_layer_keeps_the_contract(env: &TestEnv) {
    let server = without_redirects(env.start_with(&["--form", "layer"]).await);
    let (by_attribute, by_layer): (Vec<_>, Vec<_>) =
        ORDERS.into_iter().partition(|(path, _)| *path == "/recover");
    for (path, status) in by_layer {
        let first = server.post(path, path, &order("n")).await;
        assert_eq!((first.status().as_u16(), replayed(&first)), (status, false), "{path}");
        let again = server.post_again(path, path, &order("n")).await;
        assert_eq!((again.status().as_u16(), replayed(&again)), (status, true), "{path}");
        assert_eq!(first.bytes().await.unwrap(), again.bytes().await.unwrap(), "{path}");
    }
    let tx_payments = ("/tx-payments", 404);
    for (path, _) in by_attribute.into_iter().chain([tx_payments]) {
        assert_eq!(server.post(path, path, &order("n")).await.status(), 404, "{path}");
    }
    if !env.in_memory() {
        let annotated = env.start().await;
        server.pay("/payments", "shared").send().await.assert_executed(201);
        annotated.pay("/payments", "shared").until_settled().await.assert_replay();
        server.assert_counts("shared", 1, 1).await;
    }
}

/// Both processes of a layer run each key once, and a crash holds it.
pub(crate) async fn a_layer_runs_once_across_processes(env: &TestEnv) {
    let [first, second] = [(); 2].map(|()| env.start_with(&["--form", "layer"]));
    let (first, second) = (first.await, second.await);
    for round in 0..10 {
        let key = format!("round-{round}");
        let requests = [&first, &second].repeat(8);
        let requests = requests.iter().map(|server| server.pay("/payments", &key));
        let requests: Vec<_> = requests.collect();
        let responses = join_all(requests.iter().map(crate::support::Request::send)).await;
        let runs = responses.iter().filter(|it| it.status == 201 && !it.is_replay()).count();
        assert_eq!(runs, 1, "{key}");
        first.assert_counts(&key, 1, 1).await;
    }
    let held = first.pay_with("/hold", "held", &json!({ "gate": true }));
    let sent = held.start_run(&second, 1).await;
    first.kill().await;
    drop(sent.await);
    let retry = second.pay_with("/hold", "held", &json!({ "gate": true }));
    retry.until_settled().await.assert_problem(Problem::OutcomeUnknown);
    second.assert_counts("held", 1, 1).await;
}

pub(crate) async fn a_first_response_has_its_headers(env: &TestEnv) {
    let server = env.start().await;
    let first = server.post("/payments", "k", &order("n")).await;
    let headers = first.headers().clone();
    let body: Value = first.json().await.unwrap();
    let id = body["id"].as_str().unwrap();
    assert_eq!(headers["location"], format!("/payments/{id}"));
    for name in ["etag", "x-resource-version", "set-cookie", "x-request-id"] {
        assert!(headers.contains_key(name), "{name}");
    }
    assert_eq!(headers["cache-control"], "private");
    assert_eq!(headers.get_all("link").iter().count(), 2);
    for member in ["amount", "currency", "note", "seq"] {
        assert!(!body[member].is_null(), "{member}");
    }
    let other: Value = server.post("/payments", "k2", &order("n")).await.json().await.unwrap();
    assert_ne!(body["seq"], other["seq"]);
}

pub(crate) async fn callers_have_different_rights(env: &TestEnv) {
    let server = env.start().await;
    for (token, status) in
        [("alice", 201), ("alice-rot", 201), ("bob", 201), ("eve", 403), ("carol", 201), ("x", 401)]
    {
        let note = if token == "carol" { "globex" } else { "acme" };
        let response = server.pay("/refunds", "r").token(token).note(note).send().await;
        assert_eq!(response.status, status, "{token}");
    }
    server.assert_counts("acme", 1, 1).await;
    server.assert_counts("globex", 1, 1).await;
    server.pay("/user-payments", "u").token("alice-rot").send().await.assert_executed(201);
    server.pay("/user-payments", "u").token("alice").until_settled().await.assert_replay();
    server.pay("/user-payments", "u").token("bob").note("bob").send().await.assert_executed(201);
    for token in ["inj1", "inj2"] {
        server.pay("/payments", "i").token(token).note(token).send().await.assert_executed(201);
    }
    for n in 0..6 {
        let flood = server.pay("/payments", &format!("f{n}")).token("flood").send().await;
        assert_eq!(flood.status, if n < 5 { 201 } else { 429 });
    }
    let reads = server.client.get(format!("http://{}/payments/7", server.address));
    assert_eq!(reads.try_clone().unwrap().bearer_auth("eve").send().await.unwrap().status(), 200);
    assert_eq!(reads.send().await.unwrap().status(), 401);
}

pub(crate) async fn authentication_comes_first(env: &TestEnv) {
    let server = env.start().await;
    // The statuses are those of a caller who may write. `eve` may only read.
    let tx_payments = if env.store == Store::Postgres { 400 } else { 404 };
    for (method, path, status) in [
        (Method::POST, "/payments", 400),
        (Method::POST, "/tx-payments", tx_payments),
        (Method::POST, "/unknown", 404),
        (Method::GET, "/unknown", 404),
        (Method::DELETE, "/payments", 405),
        (Method::PUT, "/payments/7", 405),
        (Method::POST, "/payments/7/label", 405),
        (Method::GET, "/refunds", 405),
        (Method::GET, "/timeout", 405),
    ] {
        let url = format!("http://{}{path}", server.address);
        let request = server.client.request(method.clone(), url).json(&json!({}));
        let for_eve = if method == Method::GET { status } else { 403 };
        for (token, status) in [("x", 401), ("eve", for_eve), ("alice", status)] {
            let response = request.try_clone().unwrap().bearer_auth(token).send().await.unwrap();
            assert_eq!(response.status(), status, "{method} {path} {token}");
        }
        assert_eq!(request.send().await.unwrap().status(), 401, "{method} {path}");
    }
}

pub(crate) async fn unsupported_input_is_refused(env: &TestEnv) {
    let server = env.start().await;
    let nul = server.post("/payments", "nul", &order("a\0b")).await;
    assert_eq!(nul.status(), 422);
    let change = json!({ "memo": "m", "note": "a\0b" });
    let change = server.request(Method::PATCH, "/payments/7").json(&change);
    assert_eq!(change.header("idempotency-key", "nul").send().await.unwrap().status(), 422);
    assert_eq!(server.post("/raw?note=a%00b", "raw", &json!({})).await.status(), 400);
    for status in [0, 100, 199, 600, 1000] {
        let script = json!({ "status": status });
        let response = server.pay_with("/payments", "status", &script).send().await;
        assert_eq!(response.status, 422, "{status}");
    }
    server.assert_counts("status", 0, 0).await;
    // The keys of refused requests are free.
    for key in ["nul", "status"] {
        server.pay("/payments", key).send().await.assert_executed(201);
    }
}

pub(crate) async fn a_request_controls_its_handler(env: &TestEnv) {
    let server = env.start().await;
    let failing = server.pay_with("/payments", "status", &json!({ "status": 500 }));
    failing.send().await.assert_executed(500);
    assert_eq!(failing.until_settled().await.status, 500);
    assert_eq!(server.counts("status").await.attempts, 1);
    let once = json!({ "once": true, "status": 500, "effect": "none" });
    let failing = server.pay_with("/release", "once", &once);
    failing.send().await.assert_executed(500);
    failing.until_settled().await.assert_executed(201);
    server.assert_counts("once", 2, 1).await;
    let panics = server.pay_with("/payments", "panic", &json!({ "panic": true }));
    assert_eq!(panics.send().await.status, 500);
    server.assert_counts("panic", 1, 1).await;
    let large = json!({ "size": 9000, "chunks": 3 });
    let large = server.pay_with("/payments", "large", &large);
    let first = large.send().await;
    assert!(first.body.len().abs_diff(9000) < 100, "{}", first.body.len());
    large.until_settled().await.assert_replay_of(&first);
}

pub(crate) async fn a_change_honours_its_precondition(env: &TestEnv) {
    let server = env.start().await;
    let first = server.post("/payments", "k", &order("n")).await;
    let (tag, path) = (first.headers()["etag"].clone(), first.headers()["location"].clone());
    let change = |key: &'static str| {
        let request = server.request(Method::PATCH, path.to_str().unwrap());
        let body = json!({ "memo": "m", "note": "patch" });
        request.header("idempotency-key", key).header("if-match", tag.clone()).json(&body).send()
    };
    let changed = change("p").await.unwrap();
    assert_eq!((changed.status().as_u16(), replayed(&changed)), (200, false));
    assert_ne!(changed.headers()["etag"], tag);
    let again = change("p").await.unwrap();
    assert_eq!((again.status().as_u16(), replayed(&again)), (200, true));
    assert_eq!(change("q").await.unwrap().status(), 412);
    server.assert_counts("patch", 2, 1).await;
}

pub(crate) async fn one_change_of_a_version_wins(env: &TestEnv) {
    let server = env.start().await;
    let first = server.post("/payments", "k", &order("n")).await;
    let path = first.headers()["location"].to_str().unwrap();
    let id = path.trim_start_matches("/payments/");
    let change = |key: String, tags: String| {
        let request = server.request(Method::PATCH, path).header("if-match", tags);
        let body = json!({ "memo": "m", "note": "patch" });
        request.header("idempotency-key", key).json(&body).send()
    };
    let changes = (0..30).map(|n| change(format!("p{n}"), format!("\"{id}-1\"")));
    let mut statuses: Vec<u16> = join_all(changes)
        .await
        .into_iter()
        .map(|changed| changed.unwrap().status().into())
        .collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[412; 29][..]));
    server.assert_counts("patch", 30, 1).await;
    for (tags, status) in [
        (format!("\"{id}-1\", \"{id}-2\""), 200),
        (format!("\"{id}-1\", \"{id}-2\""), 412),
        (format!("W/\"{id}-3\""), 412),
        ("*".to_owned(), 200),
    ] {
        let key = format!("{:016x}", rand::random::<u64>());
        assert_eq!(change(key, tags.clone()).await.unwrap().status(), status, "{tags}");
    }
}

pub(crate) async fn layers_apply_to_all_routes(env: &TestEnv) {
    let server = env.start().await;
    let preflight = server
        .client
        .request(Method::OPTIONS, format!("http://{}/payments", server.address))
        .header("origin", "https://shop.test")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "idempotency-key,content-type,authorization")
        .send();
    let preflight = preflight.await.unwrap();
    assert!(preflight.status().is_success(), "{preflight:?}");
    let allowed = preflight.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.to_ascii_lowercase().contains("idempotency-key"), "{allowed}");
    let request = server.request(Method::POST, "/payments").header("idempotency-key", "k");
    let request = request.header("origin", "https://shop.test").header("accept-encoding", "gzip");
    let body = json!({ "amount": 1, "currency": "EUR", "source": "s", "note": "n", "sim": { "size": 5000 } });
    for _ in 0..2 {
        let response = request.try_clone().unwrap().json(&body).send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        let exposed = response.headers()["access-control-expose-headers"].to_str().unwrap();
        let exposed = exposed.to_ascii_lowercase();
        for name in ["idempotent-replayed", "idempotency-refused", "retry-after", "location"] {
            assert!(exposed.contains(name), "{exposed}");
        }
    }
}

pub(crate) async fn a_store_can_fail(env: &TestEnv) {
    let server = env.start_with(&IMPATIENT).await;
    let pay = server.pay("/payments", "k");
    for mode in ["down", "hang"] {
        server.set_store(mode).await;
        pay.send().await.assert_problem(Problem::StoreUnavailable);
        server.assert_counts("k", 0, 0).await;
    }
    server.set_store("ok").await;
    pay.until(|response| response.status == 201).await.assert_executed(201);
}

pub(crate) async fn a_store_can_fail_during_a_transaction(env: &TestEnv) {
    let server = env.start_with(&IMPATIENT).await;
    for mode in ["down_on_complete", "down", "hang"] {
        let pay = server.pay_with("/tx-payments", mode, &json!({ "once": true, "gate": true }));
        let sent = pay.start_run(&server, 0).await;
        server.set_store(mode).await;
        server.open_gate(mode).await;
        let response = sent.await.unwrap().expect("a response");
        response.assert_problem(Problem::StoreUnavailable);
        server.assert_counts(mode, 1, 0).await;
        server.set_store("ok").await;
        pay.until(|response| response.status == 201).await.assert_executed(201);
        server.assert_counts(mode, 2, 1).await;
    }
}

pub(crate) async fn a_clock_can_be_moved(env: &TestEnv) {
    let server = env.start().await;
    let moved = server.control("clock", &json!({ "advance_ms": 90_000_000 })).await.status();
    assert_eq!(moved, if env.in_memory() { 200 } else { 404 });
    if env.in_memory() {
        let first = server.post("/payments", "k", &order("n")).await;
        server.control("clock", &json!({ "advance_ms": 90_000_000 })).await;
        let again = server.post("/payments", "k", &order("n")).await;
        assert_eq!((replayed(&first), replayed(&again)), (false, false));
    }
}

pub(crate) async fn requests_and_responses_are_limited(env: &TestEnv) {
    let server = env.start().await;
    let mut large = order("n");
    large["memo"] = "x".repeat(idem_testkit::app::MAX_REQUEST).into();
    assert_eq!(server.post("/payments", "k", &large).await.status(), 413);
    let large = server.pay_with(
        "/payments",
        "large",
        &json!({ "size": idem_testkit::app::MAX_RESPONSE + 9 }),
    );
    assert_eq!(large.send().await.status, 201);
    large.until_settled().await.assert_problem(Problem::ResultUnavailable);
    server.assert_counts("large", 1, 1).await;
    assert_eq!(server.pay("/payments", &"k".repeat(256)).send().await.status, 400);
}

pub(crate) async fn both_http_versions_are_supported(env: &TestEnv) {
    let server = env.start().await;
    let newer = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let first = server.pay("/payments", "k").send().await;
    server.pay("/payments", "k").over(newer).until_settled().await.assert_replay_of(&first);
}
