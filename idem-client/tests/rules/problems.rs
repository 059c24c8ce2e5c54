//! Problem documents about the key.

use std::time::Duration;

use idem_client::{Failure, RetryLimit};

use crate::support::{Bench, Turn, hang, problem, status};

async fn fails(turn: Turn) -> Failure {
    let bench = Bench::new([turn]);
    let failure = bench.pay().await.unwrap_err();
    assert_eq!(bench.script.attempts(), 1);
    assert_eq!(bench.script.header("idempotency-key"), [failure.key().unwrap().to_header()]);
    assert_eq!(failure.gave_up().unwrap().limit, None);
    failure
}

#[tokio::test(start_paused = true)]
async fn named_problems_are_final() {
    assert!(matches!(fails(problem(422, "key-reused")).await, Failure::KeyReused(_)));
    assert!(matches!(fails(problem(409, "outcome-unknown")).await, Failure::OutcomeUnknown(_)));
    let unavailable = fails(problem(409, "result-unavailable")).await;
    assert!(matches!(unavailable, Failure::ResultUnavailable(_)));
}

#[tokio::test(start_paused = true)]
async fn named_problems_are_final_whatever_else_the_response_contains() {
    for slug in ["key-reused", "result-unavailable"] {
        let body = format!(r#"{{"type": "urn:idem:problem:{slug}", "retryable": true}}"#);
        let turn = problem(409, slug).body(&body).header("retry-after", "1");
        let failure = fails(turn.header("stripe-should-retry", "true")).await;
        assert!(!matches!(failure, Failure::InProgress(_) | Failure::Exhausted(_)), "{slug}");
    }
}

/// The header of idem is enough, because a service can format the body. It also wins over the body.
#[tokio::test(start_paused = true)]
async fn the_header_of_a_refusal_is_read_before_the_body() {
    let refused = |status_code, slug: &str| status(status_code).header("idempotency-refused", slug);
    let body = r#"{"type": "idempotency_error", "code": "of-the-service"}"#;
    let reused = refused(422, "key-reused").body(body);
    assert!(matches!(fails(reused).await, Failure::KeyReused(_)));
    let unknown = refused(409, "outcome-unknown").body(body);
    assert!(matches!(fails(unknown).await, Failure::OutcomeUnknown(_)));
    let contradicted =
        problem(409, "in-progress").header("idempotency-refused", "result-unavailable");
    assert!(matches!(fails(contradicted).await, Failure::ResultUnavailable(_)));

    let turns = [refused(409, "in-progress").body(body), status(201).replayed()];
    let steady = crate::support::policy().random(|| 0.0).attempts(1);
    let bench = Bench::with_policy(steady, turns);
    assert!(bench.pay().await.unwrap().is_replayed());
}

fn unknown_for_now(seconds: &str) -> Turn {
    let body = r#"{"type": "urn:idem:problem:outcome-unknown", "retryable": true}"#;
    problem(409, "").body(body).header("retry-after", seconds)
}

/// The service can still determine the outcome, and states the time of the next attempt.
#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_with_retry_after_is_retried_after_that_time() {
    let turns = [unknown_for_now("7"), unknown_for_now("30"), status(201).replayed()];
    let steady = crate::support::policy().random(|| 0.0).attempts(1);
    let bench = Bench::with_policy(steady, turns);
    assert!(bench.pay().await.unwrap().is_replayed(), "it does not count as a failed attempt");
    assert_eq!(bench.script.attempts(), 3);
    assert_eq!(bench.script.pauses(), [7, 30].map(Duration::from_secs));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_stays_unknown_is_reported_as_such() {
    let steady = crate::support::policy().random(|| 0.0).deadline(Duration::from_secs(10));
    for last in [unknown_for_now("7"), hang()] {
        let bench = Bench::with_policy(steady.clone(), [unknown_for_now("7"), last]);
        let failure = bench.pay().await.unwrap_err();
        let Failure::OutcomeUnknown(gave_up) = failure else { panic!("{failure:?}") };
        assert_eq!((gave_up.attempts, gave_up.limit), (2, Some(RetryLimit::Deadline)));
        assert_eq!(bench.script.attempts(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_final_without_retry_after_or_if_a_retry_is_forbidden() {
    let body = |retryable: bool| {
        format!(r#"{{"type": "urn:idem:problem:outcome-unknown", "retryable": {retryable}}}"#)
    };
    for turn in [
        problem(409, "").body(&body(true)),
        problem(409, "").body(&body(false)).header("retry-after", "1"),
        problem(409, "outcome-unknown").header("stripe-should-retry", "true"),
        problem(409, "outcome-unknown")
            .header("stripe-should-retry", "false")
            .header("retry-after", "1"),
        problem(422, "outcome-unknown").header("retry-after", "1"),
    ] {
        let failure = fails(turn).await;
        assert!(matches!(failure, Failure::OutcomeUnknown(_)), "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_progress_is_retried() {
    let in_progress = || problem(409, "in-progress").header("retry-after", "1");
    let bench = Bench::new([in_progress(), in_progress(), status(201).replayed()]);
    assert!(bench.pay().await.unwrap().is_replayed());
    assert_eq!(bench.script.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn in_progress_is_not_retried_if_the_server_forbids_it() {
    let forbidden = r#"{"type": "urn:idem:problem:in-progress", "retryable": false}"#;
    let failure = fails(problem(409, "").body(forbidden).header("retry-after", "1")).await;
    assert!(matches!(failure, Failure::InProgress(_)), "{failure:?}");
    let failure = fails(problem(409, "in-progress").header("stripe-should-retry", "false")).await;
    assert!(matches!(failure, Failure::InProgress(_)), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn the_base_of_the_type_is_ignored() {
    for base in ["", "urn:idem:problem:", "https://x.example/#", "https://x.example/problems/"] {
        let body = format!(r#"{{"type": "{base}in-progress"}}"#);
        let bench = Bench::new([problem(409, "").body(&body), status(201)]);
        assert_eq!(bench.pay().await.unwrap().response().status(), 201, "{base}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_titles_of_the_draft_are_recognized() {
    let json = |title: &str| format!(r#"{{"type": "https://x.example/docs", "title": "{title}"}}"#);
    let outstanding = json("A request is outstanding for this Idempotency-Key");
    let bench = Bench::new([problem(409, "").body(&outstanding), status(201)]);
    bench.is_paid().await;

    let used = json("Idempotency-Key is already used");
    assert!(matches!(fails(problem(422, "").body(&used)).await, Failure::KeyReused(_)));
}

#[tokio::test(start_paused = true)]
async fn the_codes_of_stripe_are_recognized() {
    let json = |code: u16, kind: &str, name: &str| {
        let body = format!(r#"{{"error": {{"type": "{kind}", "code": "{name}"}}}}"#);
        status(code).header("content-type", "application/json").body(&body)
    };
    let in_use = json(409, "invalid_request_error", "idempotency_key_in_use");
    let bench = Bench::new([in_use, status(200).replayed()]);
    assert!(bench.pay().await.unwrap().is_replayed());

    let reused = json(400, "idempotency_error", "");
    assert!(matches!(fails(reused).await, Failure::KeyReused(_)));

    let declined = json(402, "card_error", "card_declined");
    assert_eq!(Bench::new([declined]).pay().await.unwrap().response().status(), 402);
}

#[tokio::test(start_paused = true)]
async fn a_nameless_409_with_retry_after_is_in_progress() {
    let nameless = || [status(409), problem(409, "").body(r#"{"type": "about:blank"}"#)];
    for turn in nameless() {
        let bench = Bench::new([turn.header("retry-after", "2"), status(201)]);
        bench.is_paid().await;
    }
}

#[tokio::test(start_paused = true)]
async fn other_documents_are_responses_of_the_application() {
    for turn in [
        problem(409, "seat-taken"),
        problem(409, "seat-taken").header("retry-after", "1"),
        problem(409, "").body(r#"{"error": {"code": "lock_timeout"}}"#).header("retry-after", "1"),
        problem(403, "in-progress"),
        problem(422, "in-progress"),
        problem(422, "amount-too-small"),
        problem(409, "").body("not JSON"),
        problem(409, "").body(r#"{"type": 5, "title": [], "error": "no"}"#),
        problem(200, "in-progress"),
        problem(201, "key-reused"),
        problem(303, "in-progress"),
        problem(422, "").body(r#"{"title": "A request is outstanding for this Idempotency-Key"}"#),
        problem(409, "").body(r#"{"title": "Idempotency-Key is already used"}"#),
        problem(402, "").body(r#"{"error": {"type": "idempotency_error"}}"#),
        problem(400, "").body(r#"{"error": {"code": "idempotency_key_in_use"}}"#),
    ] {
        let bench = Bench::new([turn]);
        assert!(!bench.pay().await.unwrap().is_replayed());
        assert_eq!(bench.script.attempts(), 1);
    }
}

/// A service at its limit of concurrent runs refuses requests for a moment.
#[tokio::test(start_paused = true)]
async fn too_many_runs_is_retried() {
    let body = r#"{"type": "urn:idem:problem:too-many-runs", "retryable": true}"#;
    let refused = || problem(503, "").body(body).header("retry-after", "1");
    let bench = Bench::new([refused(), refused(), status(201)]);
    assert_eq!(bench.pay().await.unwrap().response().status(), 201);
    assert_eq!(bench.script.attempts(), 3);
}
