//! What ends the retries: attempts, deadline, budget.

use std::time::Duration;

use idem_client::{Failure, IdempotencyMiddleware, Last, Limit, RetryBudget, Stop, TimedOut};
use tokio::time::Instant;

use crate::support::{Bench, Turn, hang, policy, problem, status};

fn in_progress() -> Turn {
    problem(409, "in-progress").header("retry-after", "1")
}

fn exhausted(failure: Failure) -> Stop {
    let Failure::Exhausted(stop) = failure else { panic!("{failure:?}") };
    *stop
}

fn is_timeout(last: &Last) -> bool {
    let Last::Error(reqwest_middleware::Error::Middleware(error)) = last else { return false };
    error.is::<TimedOut>()
}

#[tokio::test(start_paused = true)]
async fn the_attempts_are_capped() {
    let bench = Bench::with_policy(policy().attempts(3), [status(503), status(502), status(504)]);
    let stop = exhausted(bench.pay().await.unwrap_err());
    assert_eq!((stop.attempts, stop.limit), (3, Some(Limit::Attempts)));
    let Last::Response(last) = stop.last else { panic!() };
    assert_eq!(last.status(), 504);
    assert_eq!(bench.script.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn zero_attempts_are_one() {
    let bench = Bench::with_policy(policy().attempts(0), [status(503)]);
    assert_eq!(exhausted(bench.pay().await.unwrap_err()).attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_first_attempt_is_no_failed_attempt() {
    let turns = [status(503), in_progress(), in_progress(), in_progress(), status(201).replayed()];
    let bench = Bench::with_policy(policy().attempts(2), turns);
    assert!(bench.pay().await.unwrap().is_replayed());
}

#[tokio::test(start_paused = true)]
async fn what_is_in_progress_at_the_deadline_is_said_to_be() {
    let steady = policy().random(|| 0.0).deadline(Duration::from_millis(4_500)).attempts(1);
    let bench = Bench::with_policy(steady, (0..5).map(|_| in_progress()));
    let begun = Instant::now();
    let Failure::InProgress(stop) = bench.pay().await.unwrap_err() else { panic!() };
    assert_eq!((stop.attempts, stop.limit), (5, Some(Limit::Deadline)));
    assert_eq!(bench.script.header("idempotency-key"), vec![stop.key.to_header(); 5]);
    // The pause that would have ended too late was not begun.
    assert_eq!(begun.elapsed(), Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_cut_at_the_deadline_does_not_hide_what_is_in_progress() {
    let steady = || policy().random(|| 0.0).deadline(Duration::from_millis(2_500)).attempts(2);
    let bench = Bench::with_policy(steady(), [in_progress(), in_progress(), hang()]);
    let failure = bench.pay().await.unwrap_err();
    let Failure::InProgress(stop) = failure else { panic!("{failure:?}") };
    assert_eq!((stop.attempts, stop.limit), (3, Some(Limit::Deadline)));
    assert!(is_timeout(&stop.last));

    let bench = Bench::with_policy(steady(), [in_progress(), status(503), hang()]);
    let stop = exhausted(bench.pay().await.unwrap_err());
    assert_eq!((stop.attempts, stop.limit), (3, Some(Limit::Attempts)));
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_ends_after_the_deadline_is_not_begun() {
    for asked in ["10", "3600", &"9".repeat(30)] {
        let turn = status(503).header("retry-after", asked);
        let strict = policy().random(|| 0.0).deadline(Duration::from_secs(10));
        let bench = Bench::with_policy(strict, [turn]);
        let begun = Instant::now();
        let stop = exhausted(bench.pay().await.unwrap_err());
        assert_eq!((stop.attempts, stop.limit), (1, Some(Limit::Deadline)));
        assert_eq!(begun.elapsed(), Duration::ZERO, "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_is_given_up_and_made_again() {
    let impatient = policy().attempt_timeout(Duration::from_secs(5));
    let bench = Bench::with_policy(impatient, [hang(), hang(), status(201).replayed()]);
    assert!(bench.pay().await.unwrap().is_replayed());
    let pauses = [Duration::from_secs(5 + 1), Duration::from_secs(5 + 2)];
    assert_eq!(bench.script.pauses(), pauses);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_cut_at_the_deadline() {
    let bench = Bench::with_policy(policy().deadline(Duration::from_secs(9)), [hang()]);
    let begun = Instant::now();
    let stop = exhausted(bench.pay().await.unwrap_err());
    assert_eq!((stop.attempts, stop.limit), (1, Some(Limit::Deadline)));
    assert!(is_timeout(&stop.last));
    assert_eq!(begun.elapsed(), Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn the_last_of_attempts_that_time_out_says_so() {
    let impatient = policy().attempt_timeout(Duration::from_secs(5)).attempts(2);
    let bench = Bench::with_policy(impatient, [hang(), hang()]);
    let stop = exhausted(bench.pay().await.unwrap_err());
    assert_eq!((stop.attempts, stop.limit), (2, Some(Limit::Attempts)));
    assert!(is_timeout(&stop.last));
}

/// A middleware whose budget holds two retries, whatever is sent.
fn with_two_retries() -> IdempotencyMiddleware {
    let budget = RetryBudget::new(0.0, 2, Duration::from_secs(1));
    IdempotencyMiddleware::new().policy(policy()).budget(budget)
}

#[tokio::test(start_paused = true)]
async fn retries_end_with_the_budget() {
    let middleware = with_two_retries();
    let quick = middleware.clone().policy(policy().random(|| 0.0));
    let bench = Bench::with(quick, [status(503), status(503), status(503)]);
    let stop = exhausted(bench.pay().await.unwrap_err());
    assert_eq!((stop.attempts, stop.limit), (3, Some(Limit::Budget)));

    // The same budget, in another client: a first attempt is free, a retry is not.
    let other = Bench::with(middleware, [status(503), status(201)]);
    assert_eq!(exhausted(other.pay().await.unwrap_err()).limit, Some(Limit::Budget));
    assert_eq!(other.pay().await.unwrap().response().status(), 201);
}

#[tokio::test(start_paused = true)]
async fn the_budget_fills_up_again() {
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
async fn operations_pay_for_retries() {
    let budget = RetryBudget::new(0.5, 0, Duration::from_secs(60));
    let bench = Bench::with(
        IdempotencyMiddleware::new().policy(policy()).budget(budget),
        [status(201), status(503), status(201), status(503)],
    );
    bench.is_paid().await;
    assert_eq!(bench.pay().await.unwrap().response().status(), 201, "two operations, one retry");
    assert_eq!(exhausted(bench.pay().await.unwrap_err()).limit, Some(Limit::Budget));
}

#[tokio::test(start_paused = true)]
async fn waiting_costs_the_budget_too() {
    let turns = [in_progress(), in_progress(), in_progress()];
    let quick = with_two_retries().policy(policy().random(|| 0.0));
    // All within a second, on the window's terms: the server asks for no pause.
    let bench = Bench::with(quick, turns.map(|turn| turn.header("retry-after", "0")));
    let Failure::InProgress(stop) = bench.pay().await.unwrap_err() else { panic!() };
    assert_eq!((stop.attempts, stop.limit), (3, Some(Limit::Budget)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_says_why_and_keeps_the_key_to_itself() {
    let bench = Bench::with_policy(policy().attempts(2), [status(503), status(503)]);
    let failure = bench.pay().await.unwrap_err();
    let key = failure.key().unwrap().as_str().to_owned();
    let source = std::error::Error::source(&failure).unwrap();
    assert_eq!(failure.to_string(), "gave up; send the operation again later with the same key");
    assert_eq!(
        source.to_string(),
        "after 2 attempts, for no more are allowed; the last answer was 503 Service Unavailable"
    );
    assert!(!format!("{failure:?}").contains(&key));

    let bench = Bench::new([problem(409, "outcome-unknown")]);
    let source = bench.pay().await.unwrap_err();
    let said = source.stop().unwrap().to_string();
    assert_eq!(said, "after 1 attempt; the last answer was 409 Conflict");
}
