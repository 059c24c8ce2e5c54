//! `Execution` in a handler.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{Read, Write};
use std::net::TcpStream;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use idem_axum::{Execution, Idempotency, MemoryStore, idempotent};
use tokio::net::TcpListener;

/// Fails with a status that releases the key, and returns its downstream key.
#[idempotent(ttl = "1h", scope = "global", guarantee = "at-least-once")]
async fn fail() -> (StatusCode, String) {
    let execution = Execution::current();
    assert_eq!(execution.attempt(), 1);
    (StatusCode::BAD_GATEWAY, execution.downstream_key("charge").as_str().to_owned())
}

#[idempotent(ttl = "1h", scope = "global", optional)]
async fn try_it() -> String {
    format!("{}", Execution::try_current().is_some())
}

async fn call(path: &str, key: Option<&str>) -> String {
    let router: Router = Router::new()
        .route("/fail", post(fail))
        .route("/try", post(try_it))
        .with_state(Idempotency::new(MemoryStore::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let key = key.map(|key| format!("idempotency-key: {key}\r\n")).unwrap_or_default();
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{key}\r\n");
    client.write_all(head.as_bytes()).unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).unwrap();
    server.abort();
    response.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_downstream_key_is_equal_in_every_run_and_differs_by_key() {
    let first = call("/fail", Some("one")).await;
    assert_eq!(first.len(), 36);
    assert_eq!(call("/fail", Some("one")).await, first);
    assert_ne!(call("/fail", Some("two")).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_key_has_no_execution() {
    assert_eq!(call("/try", Some("one")).await, "true");
    assert_eq!(call("/try", None).await, "false");
}
