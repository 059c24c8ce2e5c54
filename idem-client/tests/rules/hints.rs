//! Retry hints of the server override the status.

use idem_client::Failure;

use crate::support::{Bench, Turn, problem, status};

fn hinted(code: u16, hint: &str) -> Turn {
    problem(code, "").body(&format!(r#"{{"retryable": {hint}}}"#))
}

async fn is_final(turn: Turn) {
    let bench = Bench::new([turn]);
    let reply = bench.pay().await.unwrap();
    assert!(!reply.is_replayed());
    assert_eq!(bench.script.attempts(), 1);
}

async fn is_indeterminate(turn: Turn) {
    let bench = Bench::new([turn]);
    assert!(matches!(bench.pay().await, Err(Failure::Indeterminate(_))));
    assert_eq!(bench.script.attempts(), 1);
}

async fn is_retried(turn: Turn) {
    let bench = Bench::new([turn, status(201)]);
    bench.is_paid().await;
    assert_eq!(bench.script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn retryable_overrides_the_status() {
    for code in [400, 403, 409, 422, 501] {
        is_retried(hinted(code, "true")).await;
    }
    for code in [408, 429] {
        is_final(hinted(code, "false")).await;
    }
    for code in [500, 502, 503, 504] {
        is_indeterminate(hinted(code, "false")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_retryable_500_has_the_same_attempt_limit_as_others() {
    let bench = Bench::new([hinted(500, "true"), hinted(500, "true"), status(201)]);
    bench.is_paid().await;
}

#[tokio::test(start_paused = true)]
async fn should_retry_headers_override_the_status() {
    for name in ["stripe-should-retry", "x-should-retry"] {
        is_retried(status(400).header(name, "true")).await;
        is_indeterminate(status(503).header(name, "false")).await;
        is_final(status(400).header(name, "maybe")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_document_overrides_the_header() {
    is_indeterminate(hinted(503, "false").header("x-should-retry", "true")).await;
}

#[tokio::test(start_paused = true)]
async fn a_replay_is_final_whatever_the_hint() {
    let bench = Bench::new([hinted(503, "true").replayed()]);
    assert!(bench.pay().await.unwrap().is_replayed());
    assert_eq!(bench.script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_member_of_an_application_body_is_not_a_hint() {
    is_final(hinted(201, "true")).await;
    is_final(status(400).body(r#"{"retryable": true}"#)).await;
    let json = status(400).header("content-type", "application/json");
    is_final(json.body(r#"{"retryable": true}"#)).await;
    is_final(hinted(400, r#""true""#)).await;
}

#[tokio::test(start_paused = true)]
async fn a_hint_does_not_override_the_limits() {
    let bench = Bench::with_policy(
        crate::support::policy().attempts(2),
        [hinted(400, "true"), hinted(400, "true")],
    );
    assert!(matches!(bench.pay().await, Err(Failure::Exhausted(_))));
    assert_eq!(bench.script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn media_types_may_have_parameters_and_uppercase_letters() {
    let turn =
        hinted(400, "true").header("content-type", "Application/Problem+JSON; charset=utf-8");
    is_retried(turn).await;
}
