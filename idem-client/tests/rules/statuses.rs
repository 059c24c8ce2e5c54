//! The meaning of the status alone.

use std::time::Duration;

use idem_client::{Failure, LastAttempt, RetryLimit};

use crate::support::{Bench, hang, policy, status};

#[tokio::test(start_paused = true)]
async fn transient_statuses_are_retried() {
    for code in [408, 425, 429, 502, 503, 504] {
        let bench = Bench::new([status(code), status(code), status(201)]);
        let reply = bench.pay().await.unwrap();
        assert!(!reply.is_replayed(), "{code}");
        assert_eq!(reply.response().status(), 201, "{code}");
        assert_eq!(bench.script.attempts(), 3, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_other_status_below_500_is_the_reply() {
    let codes = [
        200, 201, 202, 204, 303, 400, 401, 402, 403, 404, 405, 409, 410, 412, 413, 415, 418, 421,
        422, 423, 424, 451,
    ];
    for code in codes {
        let bench = Bench::new([status(code)]);
        let reply = bench.pay().await.unwrap();
        assert!(!reply.is_replayed(), "{code}");
        assert_eq!(reply.into_response().status(), code);
        assert_eq!(bench.script.attempts(), 1, "{code}");
    }
}

/// Pays, and checks that the result is indeterminate and that the last response has this status.
async fn is_indeterminate(bench: Bench, code: u16) {
    let failure = bench.pay().await.unwrap_err();
    let Failure::Indeterminate(gave_up) = failure else { panic!("{code}: {failure:?}") };
    assert_eq!((gave_up.attempts as usize, gave_up.limit), (bench.script.attempts(), None));
    assert_eq!(bench.script.header("idempotency-key")[0], gave_up.key.to_header());
    let LastAttempt::Response(last) = gave_up.last else { panic!("{code}") };
    assert_eq!(last.status(), code);
}

#[tokio::test(start_paused = true)]
async fn other_server_errors_are_indeterminate() {
    for code in [501, 505, 507, 524, 599] {
        is_indeterminate(Bench::new([status(code)]), code).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_after_a_lost_response_is_indeterminate() {
    for code in [303, 400, 401, 402, 403, 404, 409, 413, 422] {
        for lost in [408, 500, 502, 503, 504] {
            is_indeterminate(Bench::new([status(lost), status(429), status(code)]), code).await;
        }
        let short = policy().attempt_timeout(Duration::from_secs(5));
        is_indeterminate(Bench::with_policy(short, [hang(), status(code)]), code).await;
        let in_progress = status(409).header("retry-after", "1");
        is_indeterminate(Bench::new([in_progress, status(code)]), code).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_after_attempts_that_were_not_processed_is_the_reply() {
    for code in [303, 401, 402, 422] {
        let bench = Bench::new([status(429), status(425), status(code)]);
        assert_eq!(bench.pay().await.unwrap().response().status(), code);
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_does_not_make_other_statuses_retryable() {
    for code in [200, 202, 303, 400, 401, 403, 404, 413, 422] {
        let bench = Bench::new([status(code).header("retry-after", "1")]);
        assert_eq!(bench.pay().await.unwrap().response().status(), code);
        assert_eq!(bench.script.attempts(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_500_is_retried_once() {
    let bench = Bench::new([status(500), status(201)]);
    bench.is_paid().await;

    let bench = Bench::new([status(500), status(500)]);
    let Failure::Exhausted(gave_up) = bench.pay().await.unwrap_err() else { panic!() };
    assert_eq!((gave_up.attempts, gave_up.limit), (2, Some(RetryLimit::Attempts)));
    assert_eq!(bench.script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_500_is_retried_once_whatever_comes_between() {
    let bench = Bench::new([status(500), status(503), status(500)]);
    let Failure::Exhausted(gave_up) = bench.pay().await.unwrap_err() else { panic!() };
    assert_eq!((gave_up.attempts, gave_up.limit), (3, Some(RetryLimit::Attempts)));
}

#[tokio::test(start_paused = true)]
async fn a_replay_is_final_whatever_its_status() {
    for code in [201, 402, 409, 422, 429, 500, 503] {
        let bench = Bench::new([status(code).replayed()]);
        let reply = bench.pay().await.unwrap();
        assert!(reply.is_replayed(), "{code}");
        assert_eq!(reply.response().status(), code);
        assert_eq!(bench.script.attempts(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stored_500_is_detected_by_the_second_attempt() {
    let bench = Bench::new([status(500), status(500).replayed()]);
    let reply = bench.pay().await.unwrap();
    assert!(reply.is_replayed());
    assert_eq!(reply.response().status(), 500);
}

#[tokio::test(start_paused = true)]
async fn other_names_of_the_replay_marker_are_recognized() {
    for name in ["idempotency-replayed", "x-idempotent-replayed"] {
        let bench = Bench::new([status(503).header(name, "true")]);
        assert!(bench.pay().await.unwrap().is_replayed(), "{name}");
    }
    let bench = Bench::new([status(201).header("idempotent-replayed", "false")]);
    assert!(!bench.pay().await.unwrap().is_replayed());
}

#[tokio::test(start_paused = true)]
async fn the_plain_send_retries_by_the_same_rules() {
    let bench = Bench::new([status(503), status(402)]);
    let key = idem_client::IdempotencyKey::random();
    let request = idem_client::IdempotentRequest::idempotency_key(bench.payment(), &key);
    assert_eq!(request.send().await.unwrap().status(), 402);
    assert_eq!(bench.script.pauses(), [Duration::from_secs(1)]);
}
