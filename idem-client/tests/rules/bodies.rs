//! Request bodies that are sent again, and response bodies that are read within the attempt.

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use idem_client::{Failure, IdempotencyMiddleware, IdempotentRequest, NotSent};
use reqwest::Body;

use crate::support::{Bench, policy, status};

fn streaming() -> Body {
    let frame = Frame::data(Bytes::from_static(b"{}"));
    Body::wrap(StreamBody::new(stream::iter([Ok::<_, std::io::Error>(frame)])))
}

#[tokio::test(start_paused = true)]
async fn a_streaming_body_is_rejected_before_anything_is_sent() {
    let bench = Bench::new([]);
    let failure = bench.payment().body(streaming()).send_idempotent().await.unwrap_err();
    let Failure::NotSent(not_sent) = failure else { panic!("{failure:?}") };
    assert!(matches!(not_sent, NotSent::Stream));
    assert!(not_sent.to_string().contains("cannot be sent twice"));
    assert_eq!(bench.script.attempts(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_streaming_body_without_a_key_is_sent() {
    let bench = Bench::new([status(201)]);
    let response = bench.payment().body(streaming()).send().await.unwrap();
    assert_eq!(response.status(), 201);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_body_is_retried() {
    let bench = Bench::new([status(503), status(204)]);
    let reply = bench.client.post(crate::support::URL).send_idempotent().await.unwrap();
    assert_eq!(reply.response().status(), 204);
}

#[tokio::test(start_paused = true)]
async fn a_response_of_any_length_arrives_complete() {
    for length in [0, 1, 9, 10, 11, 100_000] {
        let text = "0123456789".repeat(length / 10 + 1)[..length].to_owned();
        let turn = status(201).body(&text).header("x-of-the-service", "kept");
        let middleware = IdempotencyMiddleware::new().policy(policy()).max_response(10);
        let bench = Bench::with(middleware, [turn]);
        let response = bench.pay().await.unwrap().into_response();
        assert_eq!(response.headers()["x-of-the-service"], "kept");
        assert_eq!(response.text().await.unwrap(), text, "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_over_the_limit_is_classified_by_its_status() {
    let long =
        format!(r#"{{"type": "urn:idem:problem:outcome-unknown", "x": "{}"}}"#, "x".repeat(99));
    let turn = status(409).header("content-type", "application/problem+json").body(&long);
    let middleware = IdempotencyMiddleware::new().policy(policy()).max_response(10);
    let bench = Bench::with(middleware, [turn]);
    let response = bench.pay().await.unwrap().into_response();
    assert_eq!(response.text().await.unwrap(), long);
}
