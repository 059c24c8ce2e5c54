//! The problem documents of refusals.

use std::time::Duration;

use idem_core::http::StripeFormat;
use idem_core::{Drained, IdempotencyBuilder, MemoryStore};
use serde_json::{Value, json};

use crate::app::{MAX_REQUEST, MAX_RESPONSE};
use crate::http::{Problem, Request, Response, Server};

/// A key that must not appear in any refusal.
const KEY: &str = "hunter2-5f1c";

/// Every refusal has its document. None of them contains the key or stored data.
pub async fn every_problem_has_its_document(server: &Server) {
    let mut found = Vec::new();
    found.extend(refused_before_the_store(server).await);
    found.extend(refused_for_the_stored_record(server).await);
    found.extend(refused_for_lack_of_capacity(server).await);
    for (problem, response) in found {
        response.assert_problem(&problem);
        assert!(!response.mentions("hunter2"), "{response:?}");
        assert!(!response.mentions("a private note"), "{response:?}");
    }
}

type Found = Vec<(Problem, Response)>;

async fn refused_before_the_store(server: &Server) -> Found {
    let order = server.order("/payments", "a private note");
    let large = order.clone().body("application/json", vec![b' '; MAX_REQUEST + 1]);
    vec![
        (Problem::KEY_MISSING, order.send().await),
        (Problem::KEY_INVALID, order.key_line([KEY, "\""].concat()).send().await),
        (Problem::BODY_TOO_LARGE, large.key(KEY).send().await),
    ]
}

async fn refused_for_the_stored_record(server: &Server) -> Found {
    let order = |path: &str, script: &Value| {
        server.order(path, "").key(KEY).order_with("a private note", script)
    };
    let gated = order("/payments", &json!({ "gate": true }));
    let _running = gated.spawn();
    server.service.gate("a private note").reached().await;
    let large = order("/refunds", &json!({ "size": MAX_RESPONSE + 1 }));
    large.send().await.assert_executed(201);
    let too_long = order("/max-run", &json!({ "gate": true }));
    vec![
        (Problem::IN_PROGRESS, gated.send().await),
        (Problem::KEY_REUSED, gated.order("another").send().await),
        (Problem::RESULT_UNAVAILABLE, large.send().await),
        (Problem::OUTCOME_UNKNOWN, too_long.send_until_served().await),
    ]
}

async fn refused_for_lack_of_capacity(server: &Server) -> Found {
    let full = full(server, |builder| builder).await;
    let counting = server.another(MemoryStore::new(), |builder| builder).await;
    let flood = counting.order("/payments", "n").token("flood");
    for n in 0..5 {
        flood.clone().key(&format!("k{n}")).send().await.assert_executed(201);
    }
    let sibling = server.sibling().await;
    assert_eq!(sibling.idempotency.drain(Duration::MAX).await, Drained::Finished);
    vec![
        (Problem::SCOPE_FULL, flood.key(KEY).send().await),
        (Problem::STORE_FULL, full.order("/payments", "n").key(KEY).send().await),
        (Problem::STORE_UNAVAILABLE, sibling.order("/payments", "n").key(KEY).send().await),
    ]
}

/// RFC 9457 allows a problem document regardless of `Accept`, so that the client can read the
/// reason.
pub async fn a_problem_ignores_the_accept_header(server: &Server) {
    let order = server.order("/payments", "n").header("accept", "text/html");
    order.send().await.assert_problem(&Problem::KEY_MISSING);
}

/// A layer reads the typed refusal from the extensions of the response.
pub async fn layers_see_refusals(server: &Server) {
    let order = server.order("/payments", "n");
    let missing = order.send().await;
    assert_eq!(missing.line("x-refusal"), "key-missing POST /payments");
    let executed = order.clone().key("k").send().await;
    assert!(executed.assert_executed(201).lines("x-refusal").is_empty());
    let reused = order.key("k").order("other").send().await;
    assert_eq!(reused.line("x-refusal"), "key-reused POST /payments");
}

/// The format of the service renders every refusal: those before the claim, and those of a record.
pub async fn the_format_of_refusals_is_configurable(server: &Server) {
    let server = server.with(|builder| builder.refusal_format(StripeFormat)).await;
    let order = server.order("/payments", "n");
    let refused = async |request: &Request, status: u16, slug: &str, code: &str| {
        let response = request.send().await;
        assert_eq!(response.status, status, "{response:?}");
        assert_eq!(response.line("idempotency-refused"), slug);
        assert_eq!(response.line("cache-control"), "no-store");
        assert_eq!(response.line("stripe-should-retry"), "false");
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(body["error"]["code"], code);
    };
    refused(&order, 400, "key-missing", "idempotency_key_missing").await;
    let order = order.key("k");
    order.send().await.assert_executed(201);
    refused(&order.order("other"), 400, "key-reused", "idempotency_key_reused").await;
}

/// `Retry-After` has whole seconds and is never 0, which would mean immediately.
pub async fn problem_base_and_retry_delay_are_configurable(server: &Server) {
    for (delay, seconds) in [(7_000, "7"), (0, "1"), (2_900, "3")] {
        let delay = Duration::from_millis(delay);
        let server = full(server, |builder| builder.retry_after(delay)).await;
        let full = server.order("/payments", "n").key("k").send().await;
        assert_eq!(full.assert_problem(&Problem::STORE_FULL).line("retry-after"), seconds);
    }
    let server = server.with(|builder| builder.problem_base("urn:test:")).await;
    let missing = server.order("/payments", "n").send().await;
    assert_eq!(missing.line("link"), "<urn:test:key-missing>; rel=\"describedby\"");
}

/// Returns a server whose store has no capacity.
async fn full(
    server: &Server,
    build: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
) -> Server {
    server.another(MemoryStore::with_capacity(0, 0), build).await
}
