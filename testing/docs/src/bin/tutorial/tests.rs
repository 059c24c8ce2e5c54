//! The program of the tutorial does what the guide describes.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt;
use idem_axum::{Idempotency, MemoryStore};
use tower::ServiceExt;

const GUIDE: &str = include_str!("../../../../../docs/guide/src/tutorial.md");
const PAYMENT: &str = r#"{"amount": 4200, "currency": "EUR"}"#;

async fn pay(router: &Router, token: &str, key: Option<&str>, body: &str) -> Response {
    let mut request = Request::post("/payments")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn payments(router: &Router) -> String {
    let request = Request::get("/payments").body(Body::empty()).unwrap();
    text(router.clone().oneshot(request).await.unwrap()).await
}

fn router() -> Router {
    super::router(Idempotency::new(MemoryStore::new()))
}

/// A line of the guide.
#[track_caller]
fn shown(line: &str) {
    assert!(GUIDE.lines().any(|shown| shown == line), "the guide does not show:\n{line}");
}

#[tokio::test]
async fn the_first_request_charges_and_the_second_is_a_replay() {
    let router = router();
    let first = pay(&router, "alice-token", Some("order-1001"), PAYMENT).await;
    assert_eq!(first.status(), StatusCode::CREATED);
    assert!(!first.headers().contains_key("idempotent-replayed"));
    let first = text(first).await;
    shown(&first);

    let second = pay(&router, "alice-token", Some("order-1001"), PAYMENT).await;
    assert_eq!(second.status(), StatusCode::CREATED);
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert_eq!(text(second).await, first);
    shown(&payments(&router).await);
}

#[tokio::test]
async fn another_amount_is_refused() {
    let router = router();
    pay(&router, "alice-token", Some("order-1001"), PAYMENT).await;
    let other = r#"{"amount": 1, "currency": "EUR"}"#;
    let refused = pay(&router, "alice-token", Some("order-1001"), other).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    shown(&text(refused).await);
}

#[tokio::test]
async fn the_other_things_to_try() {
    let router = router();
    let first = pay(&router, "alice-token", Some("order-1001"), PAYMENT).await;
    assert_eq!(first.status(), StatusCode::CREATED);

    let without_key = pay(&router, "alice-token", None, PAYMENT).await;
    assert_eq!(without_key.status(), StatusCode::BAD_REQUEST);
    assert!(text(without_key).await.contains("key-missing"));

    let other_tenant = pay(&router, "carol-token", Some("order-1001"), PAYMENT).await;
    assert_eq!(other_tenant.status(), StatusCode::CREATED);
    assert!(!other_tenant.headers().contains_key("idempotent-replayed"));

    let no_currency = r#"{"amount": 4200}"#;
    let invalid = pay(&router, "alice-token", Some("order-1002"), no_currency).await;
    assert_eq!(invalid.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!text(invalid).await.contains("urn:idem"));
    let valid = pay(&router, "alice-token", Some("order-1002"), PAYMENT).await;
    assert_eq!(valid.status(), StatusCode::CREATED);

    let reordered = r#"{"currency":"EUR","amount":4200}"#;
    let replay = pay(&router, "alice-token", Some("order-1001"), reordered).await;
    assert_eq!(replay.headers()["idempotent-replayed"], "true");
}
