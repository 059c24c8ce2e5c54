//! The key of each attempt.

use http::HeaderName;
use idem_client::{
    Failure, IdempotencyKey, IdempotencyMiddleware, IdempotentRequest, KeyError, NotSent,
};
use reqwest::Method;
use reqwest_middleware::{ClientBuilder, Error};

use crate::support::{Bench, URL, policy, status};

const HEADER: &str = "idempotency-key";

fn not_sent(failure: Failure) -> NotSent {
    let Failure::NotSent(not_sent) = failure else { panic!("{failure:?}") };
    not_sent
}

#[tokio::test(start_paused = true)]
async fn every_attempt_carries_the_same_random_quoted_key() {
    let bench = Bench::new([status(503), status(502), status(201)]);
    bench.is_paid().await;
    let keys = bench.script.header(HEADER);
    assert_eq!(keys, vec![keys[0].clone(); 3]);
    let key = keys[0].strip_prefix('"').unwrap().strip_suffix('"').unwrap();
    assert_eq!(uuid::Uuid::parse_str(key).unwrap().get_version_num(), 4);
    assert_eq!(bench.script.bodies(), vec![br#"{"amount": 4200}"#.to_vec(); 3]);
}

#[tokio::test(start_paused = true)]
async fn every_operation_has_its_own_key() {
    let bench = Bench::new([status(201), status(201)]);
    bench.is_paid().await;
    bench.is_paid().await;
    let keys = bench.script.header(HEADER);
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test(start_paused = true)]
async fn a_supplied_key_is_sent_in_its_form() {
    let key = IdempotencyKey::new(r#"order "1001""#).unwrap();
    let bench = Bench::new([status(503), status(201)]);
    assert!(bench.payment().idempotency_key(&key).send_idempotent().await.is_ok());
    assert_eq!(bench.script.header(HEADER), [r#""order \"1001\"""#; 2]);

    let bare = IdempotencyKey::new("order-1001").unwrap().bare().unwrap();
    let bench = Bench::new([status(503), status(201)]);
    assert!(bench.payment().idempotency_key(&bare).send_idempotent().await.is_ok());
    assert_eq!(bench.script.header(HEADER), ["order-1001"; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_key_in_the_header_is_sent_in_its_form() {
    for written in ["order-1001", r#""order-1001""#] {
        let bench = Bench::new([status(503), status(201)]);
        bench.payment().header(HEADER, written).send().await.unwrap();
        assert_eq!(bench.script.header(HEADER), [written; 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_failure_is_the_key_that_was_sent() {
    for written in ["order-1001", r#""order-1001""#, r#""order-1001";v=1"#] {
        let once = policy().attempts(1);
        let bench = Bench::with_policy(once, [status(503), status(201)]);
        let first = bench.payment().header(HEADER, written).send_idempotent().await;
        let failure = first.unwrap_err();
        let again = bench.payment().idempotency_key(failure.key().unwrap());
        assert!(again.send_idempotent().await.is_ok());
        let sent = bench.script.header(HEADER);
        assert_eq!(sent[0], sent[1], "{written}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_header_name_can_be_changed() {
    let header = HeaderName::from_static("paypal-request-id");
    let middleware = IdempotencyMiddleware::new().policy(policy()).header(header);
    let bench = Bench::with(middleware, [status(503), status(201), status(201)]);
    bench.is_paid().await;
    let key = IdempotencyKey::random();
    assert!(bench.payment().idempotency_key(&key).send_idempotent().await.is_ok());
    assert_eq!(bench.script.header(HEADER), [""; 0]);
    let keys = bench.script.header("paypal-request-id");
    assert_eq!(keys[0], keys[1]);
    assert_eq!(keys[2], key.to_header());
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_key_is_sent_once_unchanged() {
    for method in [Method::POST, Method::PATCH, Method::PUT, Method::GET, Method::DELETE] {
        let bench = Bench::new([status(503)]);
        let request = bench.client.request(method.clone(), URL);
        assert_eq!(request.send().await.unwrap().status(), 503, "{method}");
        assert_eq!((bench.script.attempts(), bench.script.header(HEADER).len()), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_middleware_can_add_keys_to_requests_without_one() {
    let keyed = |request: &reqwest::Request| {
        (request.method() == Method::POST).then(|| IdempotencyKey::random().bare().unwrap())
    };
    let middleware = IdempotencyMiddleware::new().policy(policy()).key_unkeyed(keyed);
    let turns = [status(503), status(201), status(503), status(201)];
    let bench = Bench::with(middleware, turns);
    assert_eq!(bench.payment().send().await.unwrap().status(), 201);
    assert_eq!(bench.client.get(URL).send().await.unwrap().status(), 503);
    bench.is_paid().await;
    let keys = bench.script.header(HEADER);
    assert_eq!((keys.len(), &keys[0]), (3, &keys[1]));
    assert!(keys.iter().all(|key| uuid::Uuid::parse_str(key).is_ok()), "bare, in all calls");
}

#[tokio::test(start_paused = true)]
async fn debug_hides_a_key_that_the_response_repeats() {
    let key = IdempotencyKey::new("planted").unwrap();
    for code in [201, 422, 501] {
        let bench = Bench::new([status(code).header(HEADER, "planted")]);
        let ended = bench.payment().idempotency_key(&key).send_idempotent().await;
        let shown = format!("{ended:?}");
        assert!(shown.contains(HEADER) && !shown.contains("planted"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn several_keys_are_rejected_before_anything_is_sent() {
    let bench = Bench::new([]);
    let key = IdempotencyKey::random();
    let request = bench.payment().idempotency_key(&key).idempotency_key(&key);
    let failure = request.send_idempotent().await.unwrap_err();
    assert!(matches!(not_sent(failure), NotSent::SeveralKeys));
    assert_eq!(bench.script.attempts(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_key_is_rejected_before_anything_is_sent() {
    for (written, why) in [
        ("", KeyError::Blank),
        ("a, b", KeyError::Bare),
        (r#""a"#, KeyError::Malformed),
        ("é", KeyError::Character),
    ] {
        let bench = Bench::new([]);
        let request = bench.payment().header(HEADER, written);
        let Err(Error::Middleware(error)) = request.send().await else { panic!("{written}") };
        let Some(NotSent::Key(reason)) = error.downcast_ref() else { panic!("{written}") };
        assert_eq!((*reason, bench.script.attempts()), (why, 0), "{written}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_without_the_middleware_is_rejected_before_anything_is_sent() {
    let bench = Bench::new([]);
    let client = ClientBuilder::new(reqwest::Client::new()).with(bench.script.clone()).build();
    let failure = client.post(URL).send_idempotent().await.unwrap_err();
    assert!(matches!(not_sent(failure), NotSent::NoMiddleware));
    assert_eq!(bench.script.attempts(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_built_is_not_sent() {
    let bench = Bench::new([]);
    let failure = bench.client.post("no address").send_idempotent().await.unwrap_err();
    assert!(matches!(not_sent(failure), NotSent::Request(_)));
    assert_eq!(bench.script.attempts(), 0);
}
