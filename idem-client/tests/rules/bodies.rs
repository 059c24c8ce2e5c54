//! What is sent twice, and what is read in time.

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
async fn a_body_that_cannot_be_sent_twice_is_refused_before_anything_is_sent() {
    let bench = Bench::new([]);
    let failure = bench.payment().body(streaming()).send_idempotent().await.unwrap_err();
    let Failure::NotSent(refusal) = failure else { panic!("{failure:?}") };
    assert!(matches!(refusal, NotSent::Stream));
    assert!(refusal.to_string().contains("cannot be sent twice"));
    assert_eq!(bench.script.attempts(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_unkeyed_stream_is_no_business_of_ours() {
    let bench = Bench::new([status(201)]);
    let answer = bench.payment().body(streaming()).send().await.unwrap();
    assert_eq!(answer.status(), 201);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_body_is_fine() {
    let bench = Bench::new([status(503), status(204)]);
    let answer = bench.client.post(crate::support::URL).send_idempotent().await.unwrap();
    assert_eq!(answer.response().status(), 204);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_any_length_arrives_whole() {
    for length in [0, 1, 9, 10, 11, 100_000] {
        let text = "0123456789".repeat(length / 10 + 1)[..length].to_owned();
        let turn = status(201).body(&text).header("x-of-the-service", "kept");
        let middleware = IdempotencyMiddleware::new().policy(policy()).max_answer(10);
        let bench = Bench::with(middleware, [turn]);
        let response = bench.pay().await.unwrap().into_response();
        assert_eq!(response.headers()["x-of-the-service"], "kept");
        assert_eq!(response.text().await.unwrap(), text, "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_too_long_to_be_read_is_judged_by_its_status() {
    let long =
        format!(r#"{{"type": "urn:idem:problem:outcome-unknown", "x": "{}"}}"#, "x".repeat(99));
    let turn = status(409).header("content-type", "application/problem+json").body(&long);
    let middleware = IdempotencyMiddleware::new().policy(policy()).max_answer(10);
    let bench = Bench::with(middleware, [turn]);
    let response = bench.pay().await.unwrap().into_response();
    assert_eq!(response.text().await.unwrap(), long);
}
