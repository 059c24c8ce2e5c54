//! `Execution` in a handler.

#![allow(clippy::unwrap_used, reason = "a test")]

use actix_web::http::StatusCode;
use actix_web::test::{self, TestRequest};
use actix_web::{App, Responder, post, web};
use idem_actix::{Execution, Idempotency, MemoryStore, idempotent};

/// Fails with a status that releases the key, and returns its downstream key.
#[post("/fail")]
#[idempotent(ttl = "1h", scope = "global", guarantee = "at-least-once")]
async fn fail() -> impl Responder {
    let execution = Execution::current();
    assert_eq!(execution.attempt(), 1);
    (execution.downstream_key("charge").as_str().to_owned(), StatusCode::BAD_GATEWAY)
}

#[post("/try")]
#[idempotent(ttl = "1h", scope = "global", optional)]
async fn try_it() -> String {
    format!("{}", Execution::try_current().is_some())
}

async fn call(path: &str, key: Option<&'static str>) -> String {
    let idempotency = web::Data::new(Idempotency::new(MemoryStore::new()));
    let app = App::new().app_data(idempotency).service(fail).service(try_it);
    let mut request = TestRequest::post().uri(path);
    if let Some(key) = key {
        request = request.insert_header(("Idempotency-Key", key));
    }
    let app = test::init_service(app).await;
    let body = test::call_and_read_body(&app, request.to_request()).await;
    String::from_utf8(body.to_vec()).unwrap()
}

#[actix_web::test]
async fn a_downstream_key_is_equal_in_every_run_and_differs_by_key() {
    let first = call("/fail", Some("one")).await;
    assert_eq!(first.len(), 36);
    assert_eq!(call("/fail", Some("one")).await, first);
    assert_ne!(call("/fail", Some("two")).await, first);
}

#[actix_web::test]
async fn a_request_without_a_key_has_no_execution() {
    assert_eq!(call("/try", Some("one")).await, "true");
    assert_eq!(call("/try", None).await, "false");
}
