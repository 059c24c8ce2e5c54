//! The pauses between attempts, to the millisecond.

use std::time::Duration;

use crate::support::{Bench, Turn, policy, problem, status};

async fn pauses_at(random: f64, turns: impl IntoIterator<Item = Turn>) -> Vec<Duration> {
    let turns = turns.into_iter().chain([status(201)]);
    let bench = Bench::with_policy(policy().random(move || random), turns);
    bench.is_paid().await;
    bench.script.pauses()
}

fn seconds<const N: usize>(seconds: [f64; N]) -> [Duration; N] {
    seconds.map(Duration::from_secs_f64)
}

fn retry_after(code: u16, value: &str) -> Turn {
    status(code).header("retry-after", value)
}

#[tokio::test(start_paused = true)]
async fn ceilings_double_and_the_jitter_is_full() {
    let failures = || [status(503), status(502), status(429), status(504)];
    assert_eq!(pauses_at(1.0, failures()).await, seconds([1.0, 2.0, 4.0, 8.0]));
    assert_eq!(pauses_at(0.25, failures()).await, seconds([0.25, 0.5, 1.0, 2.0]));
    assert_eq!(pauses_at(0.0, failures()).await, seconds([0.0; 4]));
}

#[tokio::test(start_paused = true)]
async fn ceilings_are_limited_by_the_cap() {
    let cap = policy().backoff(Duration::from_secs(1), Duration::from_secs(3));
    let turns = (0..4).map(|_| status(503)).chain([status(201)]);
    let bench = Bench::with_policy(cap, turns);
    bench.is_paid().await;
    assert_eq!(bench.script.pauses(), seconds([1.0, 2.0, 3.0, 3.0]));
}

#[tokio::test(start_paused = true)]
async fn retry_after_in_seconds_is_the_minimum_pause() {
    let turns = || [retry_after(503, "7"), retry_after(429, "30"), retry_after(409, "1")];
    assert_eq!(pauses_at(0.0, turns()).await, seconds([7.0, 30.0, 1.0]));
    assert_eq!(pauses_at(0.5, turns()).await, seconds([7.5, 31.0, 3.0]));
}

#[tokio::test(start_paused = true)]
async fn retry_after_as_a_date_is_compared_with_the_date_of_the_response() {
    let turn = retry_after(503, "Sun, 06 Nov 1994 12:00:30 GMT");
    let turn = turn.header("date", "Sun, 06 Nov 1994 12:00:00 GMT");
    assert_eq!(pauses_at(0.0, [turn]).await, seconds([30.0]));
}

#[tokio::test(start_paused = true)]
async fn retry_after_in_the_past_or_malformed_is_ignored() {
    let past = retry_after(503, "Sun, 06 Nov 1994 12:00:30 GMT");
    assert_eq!(pauses_at(1.0, [past, retry_after(503, "soon")]).await, seconds([1.0, 2.0]));
}

#[tokio::test(start_paused = true)]
async fn in_progress_is_polled_at_the_interval_of_retry_after() {
    let turns = (0..3).map(|_| problem(409, "in-progress").header("retry-after", "2"));
    assert_eq!(pauses_at(0.0, turns).await, seconds([2.0; 3]));
}
