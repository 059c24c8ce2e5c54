//! The limits of the retries: attempts, deadline and budget.

use std::time::Duration;

use idem_client::{
    Failure, GaveUp, IdempotencyMiddleware, LastAttempt, RetryBudget, RetryLimit, TimedOut,
};
use tokio::time::Instant;

use crate::support::{Bench, Turn, hang, policy, problem, status};

fn in_progress() -> Turn {
    problem(409, "in-progress").header("retry-after", "1")
}

fn exhausted(failure: Failure) -> GaveUp {
    let Failure::Exhausted(gave_up) = failure else { panic!("{failure:?}") };
    *gave_up
}

fn is_timeout(last: &LastAttempt) -> bool {
    let LastAttempt::Error(reqwest_middleware::Error::Middleware(error)) = last else {
        return false;
    };
    error.is::<TimedOut>()
}

#[tokio::test(start_paused = true)]
async fn the_number_of_attempts_is_limited() {
    let bench = Bench::with_policy(policy().attempts(3), [status(503), status(502), status(504)]);
    let gave_up = exhausted(bench.pay().await.unwrap_err());
    assert_eq!((gave_up.attempts, gave_up.limit), (3, Some(RetryLimit::Attempts)));
    let LastAttempt::Response(last) = gave_up.last else { panic!() };
    assert_eq!(last.status(), 504);
    assert_eq!(bench.script.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn zero_attempts_count_as_one() {
    let bench = Bench::with_policy(policy().attempts(0), [status(503)]);
    assert_eq!(exhausted(bench.pay().await.unwrap_err()).attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_response_in_progress_does_not_count_as_a_failed_attempt() {
    let turns = [status(503), in_progress(), in_progress(), in_progress(), status(201).replayed()];
    let bench = Bench::with_policy(policy().attempts(2), turns);
    assert!(bench.pay().await.unwrap().is_replayed());
}

#[tokio::test(start_paused = true)]
async fn an_operation_in_progress_at_the_deadline_is_reported_as_such() {
    let steady = policy().random(|| 0.0).deadline(Duration::from_millis(4_500)).attempts(1);
    let bench = Bench::with_policy(steady, (0..5).map(|_| in_progress()));
    let begun = Instant::now();
    let Failure::InProgress(gave_up) = bench.pay().await.unwrap_err() else { panic!() };
    assert_eq!((gave_up.attempts, gave_up.limit), (5, Some(RetryLimit::Deadline)));
    assert_eq!(bench.script.header("idempotency-key"), vec![gave_up.key.to_header(); 5]);
    // The pause that would have ended after the deadline was not started.
    assert_eq!(begun.elapsed(), Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_cancelled_at_the_deadline_does_not_hide_that_the_operation_is_in_progress() {
    let steady = || policy().random(|| 0.0).deadline(Duration::from_millis(2_500)).attempts(2);
    let bench = Bench::with_policy(steady(), [in_progress(), in_progress(), hang()]);
    let failure = bench.pay().await.unwrap_err();
    let Failure::InProgress(gave_up) = failure else { panic!("{failure:?}") };
    assert_eq!((gave_up.attempts, gave_up.limit), (3, Some(RetryLimit::Deadline)));
    assert!(is_timeout(&gave_up.last));

    let bench = Bench::with_policy(steady(), [in_progress(), status(503), hang()]);
    let gave_up = exhausted(bench.pay().await.unwrap_err());
    assert_eq!((gave_up.attempts, gave_up.limit), (3, Some(RetryLimit::Attempts)));
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_would_end_after_the_deadline_is_not_started() {
    for requested in ["10", "3600", &"9".repeat(30)] {
        let turn = status(503).header("retry-after", requested);
        let strict = policy().random(|| 0.0).deadline(Duration::from_secs(10));
        let bench = Bench::with_policy(strict, [turn]);
        let begun = Instant::now();
        let gave_up = exhausted(bench.pay().await.unwrap_err());
        assert_eq!((gave_up.attempts, gave_up.limit), (1, Some(RetryLimit::Deadline)));
        assert_eq!(begun.elapsed(), Duration::ZERO, "{requested}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_a_response_times_out_and_is_retried() {
    let short = policy().attempt_timeout(Duration::from_secs(5));
    let bench = Bench::with_policy(short, [hang(), hang(), status(201).replayed()]);
    assert!(bench.pay().await.unwrap().is_replayed());
    let pauses = [Duration::from_secs(5 + 1), Duration::from_secs(5 + 2)];
    assert_eq!(bench.script.pauses(), pauses);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_cancelled_at_the_deadline() {
    let bench = Bench::with_policy(policy().deadline(Duration::from_secs(9)), [hang()]);
    let begun = Instant::now();
    let gave_up = exhausted(bench.pay().await.unwrap_err());
    assert_eq!((gave_up.attempts, gave_up.limit), (1, Some(RetryLimit::Deadline)));
    assert!(is_timeout(&gave_up.last));
    assert_eq!(begun.elapsed(), Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_reports_its_timeout() {
    let short = policy().attempt_timeout(Duration::from_secs(5)).attempts(2);
    let bench = Bench::with_policy(short, [hang(), hang()]);
    let gave_up = exhausted(bench.pay().await.unwrap_err());
    assert_eq!((gave_up.attempts, gave_up.limit), (2, Some(RetryLimit::Attempts)));
    assert!(is_timeout(&gave_up.last));
}

/// Middleware with a budget of two retries, whatever the number of operations.
fn with_two_retries() -> IdempotencyMiddleware {
    let budget = RetryBudget::new(0.0, 2, Duration::from_secs(1));
    IdempotencyMiddleware::new().policy(policy()).budget(budget)
}

#[tokio::test(start_paused = true)]
async fn retries_end_when_the_budget_is_exhausted() {
    let middleware = with_two_retries();
    let quick = middleware.clone().policy(policy().random(|| 0.0));
    let bench = Bench::with(quick, [status(503), status(503), status(503)]);
    let gave_up = exhausted(bench.pay().await.unwrap_err());
    assert_eq!((gave_up.attempts, gave_up.limit), (3, Some(RetryLimit::Budget)));

    // Another client shares the budget: a first attempt costs nothing, a retry does.
    let other = Bench::with(middleware, [status(503), status(201)]);
    assert_eq!(exhausted(other.pay().await.unwrap_err()).limit, Some(RetryLimit::Budget));
    assert_eq!(other.pay().await.unwrap().response().status(), 201);
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_refilled_over_time() {
    let quick = policy().random(|| 0.0);
    let bench = Bench::with(
        with_two_retries().policy(quick),
        [status(503), status(503), status(503), status(503), status(201)],
    );
    exhausted(bench.pay().await.unwrap_err());
    tokio::time::advance(Duration::from_secs(2)).await;
    bench.is_paid().await;
}

#[tokio::test(start_paused = true)]
async fn operations_add_to_the_budget() {
    let budget = RetryBudget::new(0.5, 0, Duration::from_secs(60));
    let bench = Bench::with(
        IdempotencyMiddleware::new().policy(policy()).budget(budget),
        [status(201), status(503), status(201), status(503)],
    );
    bench.is_paid().await;
    assert_eq!(bench.pay().await.unwrap().response().status(), 201, "two operations, one retry");
    assert_eq!(exhausted(bench.pay().await.unwrap_err()).limit, Some(RetryLimit::Budget));
}

#[tokio::test(start_paused = true)]
async fn retries_while_in_progress_use_the_budget() {
    let turns = [in_progress(), in_progress(), in_progress()];
    let quick = with_two_retries().policy(policy().random(|| 0.0));
    // All attempts are within one window of the budget, because the server requests no pause.
    let bench = Bench::with(quick, turns.map(|turn| turn.header("retry-after", "0")));
    let Failure::InProgress(gave_up) = bench.pay().await.unwrap_err() else { panic!() };
    assert_eq!((gave_up.attempts, gave_up.limit), (3, Some(RetryLimit::Budget)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_reports_its_reason_and_hides_the_key() {
    let bench = Bench::with_policy(policy().attempts(2), [status(503), status(503)]);
    let failure = bench.pay().await.unwrap_err();
    let key = failure.key().unwrap().as_str().to_owned();
    let source = std::error::Error::source(&failure).unwrap();
    assert_eq!(
        failure.to_string(),
        "retries exhausted; send the operation again later with the same key"
    );
    assert_eq!(
        source.to_string(),
        "stopped after 2 attempts (attempt limit reached); the last response was 503 Service Unavailable"
    );
    assert!(!format!("{failure:?}").contains(&key));

    let bench = Bench::new([problem(409, "outcome-unknown")]);
    let failure = bench.pay().await.unwrap_err();
    let message = failure.gave_up().unwrap().to_string();
    assert_eq!(message, "stopped after 1 attempt; the last response was 409 Conflict");
}
