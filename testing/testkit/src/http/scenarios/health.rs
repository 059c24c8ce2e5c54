//! The health endpoint.

use std::time::Duration;

use idem_conformance::{Fault, Kind};
use serde_json::Value;

use crate::http::{Response, Server};

async fn health(server: &Server) -> (Response, Value) {
    let response = server.request("GET", "/health").send().await;
    assert_eq!(response.line("content-type"), "application/health+json");
    assert_eq!(response.line("cache-control"), "no-store");
    let document = serde_json::from_slice(&response.body).unwrap();
    (response, document)
}

/// A result is kept for a second, so each state has a server of its own.
pub async fn the_health_endpoint_reports_the_store(server: &Server) {
    let (response, document) = health(server).await;
    // The servers of the tests lose acknowledged writes in a crash, which is a warning.
    let is_up = document["status"] == "pass" || document["status"] == "warn";
    assert!(response.status == 200 && is_up, "{response:?}");
    let head = server.request("HEAD", "/health").send().await;
    assert_eq!((head.status, &head.body[..]), (200, &b""[..]));

    let down = server.sibling().await;
    down.faults.inject(Kind::ALL, Fault::Down);
    let (response, document) = health(&down).await;
    assert_eq!((response.status, &document["status"]), (503, &Value::from("fail")));

    let silent = server.with(|builder| builder.store_timeout(Duration::from_millis(100))).await;
    silent.faults.inject(Kind::ALL, Fault::Hang);
    assert_eq!(health(&silent).await.0.status, 503);

    let draining = server.sibling().await;
    let _ = draining.idempotency.drain(Duration::ZERO).await;
    assert_eq!(health(&draining).await.0.status, 503);
}
