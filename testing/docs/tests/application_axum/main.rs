//! An application as large as many are, in which every handler is guarded: its layers, its extractors, its state behind an
//! `Arc`, and a repository behind a trait.

#![allow(clippy::unwrap_used, reason = "a test")]

mod app;
mod ecosystem;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use app::{
    App, Currency, MemoryRepo, NewPayment, Tenant, application, create_order_unguarded,
    create_payment_unguarded,
};
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json, Router};
use http_body_util::BodyExt;
use tower::ServiceExt;

struct Sent {
    status: StatusCode,
    replayed: bool,
    headers: HeaderMap,
    body: Vec<u8>,
}

async fn send(router: &Router, path: &str, media_type: &str, body: &str) -> Sent {
    let (parts, body) = open(router, path, media_type, body).await.into_parts();
    Sent {
        status: parts.status,
        replayed: parts.headers.contains_key("idempotent-replayed"),
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

/// Sends a request, and returns the response before its body.
async fn open(router: &Router, path: &str, media_type: &str, body: &str) -> Response {
    let mut request = Request::post(path)
        .header("authorization", "acme")
        .header("idempotency-key", "order-1001")
        .header("content-type", media_type)
        .header("user-agent", "test")
        .header("origin", "https://shop.example")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let peer = SocketAddr::from(([192, 0, 2, 7], 4711));
    request.extensions_mut().insert(ConnectInfo(peer));
    router.clone().oneshot(request).await.unwrap()
}

fn runs_of(app: &App) -> u64 {
    app.repo.0.load(Ordering::Relaxed)
}

#[tokio::test]
async fn every_handler_runs_once_per_key() {
    for (path, media_type, body, status) in [
        ("/payments", "application/json", r#"{"amount":42}"#, 201),
        ("/api/accounts/7/notes?page=2", "text/plain", "a note", 200),
        ("/api/accounts/7/keyed/k1", "text/plain", "a text", 200),
        ("/api/accounts/login", "application/x-www-form-urlencoded", "amount=1", 303),
        ("/api/accounts/raw", "application/x-www-form-urlencoded", "a=1&b=2", 200),
        ("/lenient", "application/json", r#"{"amount":42}"#, 200),
        ("/api/orders", "application/json", r#"{"amount":42}"#, 200),
        ("/panics", "text/plain", "", 500),
        ("/typed", "text/plain", "", 200),
        ("/cookies", "text/plain", "", 200),
        ("/documented", "application/json", r#"{"amount":42}"#, 201),
    ] {
        let (router, app) = application();
        let first = send(&router, path, media_type, body).await;
        assert_eq!(first.status, status, "{path} {:?}", String::from_utf8_lossy(&first.body));
        assert!(!first.replayed, "{path}");
        let runs = runs_of(&app);
        let second = send(&router, path, media_type, body).await;
        assert_eq!((second.status, &second.body), (first.status, &first.body), "{path}");
        assert!(second.replayed, "{path}");
        assert!(second.headers.contains_key("x-request-id"), "layers see replays too");
        assert_eq!(runs_of(&app), runs, "{path}");
    }
}

#[tokio::test]
async fn a_corrected_request_uses_the_same_key() {
    let (router, _) = application();
    let wrong = send(&router, "/payments", "application/json", r#"{"amount":0}"#).await;
    assert_eq!(wrong.status, 422);
    let corrected = send(&router, "/payments", "application/json", r#"{"amount":42}"#).await;
    assert_eq!((corrected.status, corrected.replayed), (StatusCode::CREATED, false));
}

#[tokio::test]
async fn a_handler_is_called_without_its_guard() {
    let (_, app) = application();
    let tenant = || Extension(Tenant("acme".to_owned()));
    let currency = Currency("EUR".to_owned());
    let payment = Json(NewPayment { amount: 42 });
    let created = create_payment_unguarded(State(app.clone()), tenant(), currency, payment).await;
    assert_eq!(created.unwrap().0, StatusCode::CREATED);
    let order = Json(NewPayment { amount: 42 });
    let Json(id) = create_order_unguarded::<MemoryRepo>(State(app), tenant(), order).await;
    assert_eq!(id, 43);
}
