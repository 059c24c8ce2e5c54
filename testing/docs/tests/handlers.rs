//! The guide's chapter on testing handlers.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::post;
use http_body_util::BodyExt;
use idem_axum::{Execution, Idempotency, IdempotencyStore, MemoryStore, idempotent};
use idem_conformance::{Fault, FaultStore, Kind};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tower::ServiceExt;

/// A payment provider that counts its charges and can hang.
#[derive(Clone, Default)]
struct Provider {
    charges: Arc<AtomicUsize>,
    hangs: Arc<AtomicBool>,
    called: Arc<Notify>,
}

impl Provider {
    async fn charge(&self) {
        self.charges.fetch_add(1, Ordering::Relaxed);
        self.called.notify_one();
        if self.hangs.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
    }

    fn charges(&self) -> usize {
        self.charges.load(Ordering::Relaxed)
    }
}

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(State(provider): State<Provider>, amount: String) -> (StatusCode, String) {
    provider.charge().await;
    (StatusCode::CREATED, format!("charged {amount}"))
}

#[idempotent(ttl = "24h", scope = "global", guarantee = "at-least-once")]
async fn pay_again(State(provider): State<Provider>) -> String {
    provider.charge().await;
    format!("attempt {}", Execution::current().attempt())
}

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    provider: Provider,
}

/// One process of the service.
fn app(store: impl IdempotencyStore, provider: &Provider) -> Router {
    let app = App { idempotency: Idempotency::new(store), provider: provider.clone() };
    Router::new().route("/pay", post(pay)).route("/pay-again", post(pay_again)).with_state(app)
}

fn request(path: &str, amount: &str) -> Request<Body> {
    Request::post(path)
        .header("idempotency-key", "order-1001")
        .body(Body::from(amount.to_owned()))
        .unwrap()
}

async fn send(app: &Router, request: Request<Body>) -> Response {
    app.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_retry_charges_nothing() {
    let provider = Provider::default();
    let app = app(MemoryStore::new(), &provider);
    let first = send(&app, request("/pay", "42")).await;
    assert_eq!(first.status(), StatusCode::CREATED);

    let retry = send(&app, request("/pay", "42")).await;
    assert_eq!(retry.status(), StatusCode::CREATED);
    assert_eq!(retry.headers()["idempotent-replayed"], "true");
    assert_eq!(text(retry).await, text(first).await);
    assert_eq!(provider.charges(), 1);
}

#[tokio::test]
async fn another_amount_under_the_same_key_is_refused() {
    let provider = Provider::default();
    let app = app(MemoryStore::new(), &provider);
    send(&app, request("/pay", "42")).await;

    let refused = send(&app, request("/pay", "43")).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(refused).await.contains("urn:idem:problem:key-reused"));
    assert_eq!(provider.charges(), 1);
}

#[tokio::test]
async fn a_key_is_new_after_its_ttl() {
    let (store, provider) = (MemoryStore::new(), Provider::default());
    let app = app(store.clone(), &provider);
    send(&app, request("/pay", "42")).await;

    store.advance_clock(Duration::from_secs(24 * 3600));
    let later = send(&app, request("/pay", "42")).await;
    assert!(!later.headers().contains_key("idempotent-replayed"));
    assert_eq!(provider.charges(), 2);
}

/// Sends a request in a process of its own, which crashes while the provider is called.
fn crash(store: &MemoryStore, provider: &Provider, request: Request<Body>) {
    provider.hangs.store(true, Ordering::Relaxed);
    let process = Runtime::new().unwrap();
    process.spawn(app(store.clone(), provider).oneshot(request));
    process.block_on(provider.called.notified());
    drop(process); // ends the run where it is
    provider.hangs.store(false, Ordering::Relaxed);
}

#[test]
fn after_a_crash_the_outcome_is_unknown() {
    let (store, provider) = (MemoryStore::new(), Provider::default());
    crash(&store, &provider, request("/pay", "42"));

    let process = Runtime::new().unwrap();
    process.block_on(async {
        let app = app(store.clone(), &provider);
        let early = send(&app, request("/pay", "42")).await;
        assert!(text(early).await.contains("urn:idem:problem:in-progress"));

        store.advance_clock(Duration::from_secs(30)); // the lease
        let retry = send(&app, request("/pay", "42")).await;
        assert_eq!(retry.status(), StatusCode::CONFLICT);
        assert!(text(retry).await.contains("urn:idem:problem:outcome-unknown"));
        assert_eq!(provider.charges(), 1);
    });
}

#[test]
fn at_least_once_the_next_request_takes_over() {
    let (store, provider) = (MemoryStore::new(), Provider::default());
    crash(&store, &provider, request("/pay-again", ""));

    store.advance_clock(Duration::from_secs(30));
    let process = Runtime::new().unwrap();
    let retry = process.block_on(send(&app(store, &provider), request("/pay-again", "")));
    assert_eq!(process.block_on(text(retry)), "attempt 2");
    assert_eq!(provider.charges(), 2);
}

#[tokio::test]
async fn nothing_is_charged_while_the_store_is_down() {
    let provider = Provider::default();
    let (store, faults) = FaultStore::new(MemoryStore::new());
    let app = app(store, &provider);

    faults.inject(Kind::ALL, Fault::Down);
    let refused = send(&app, request("/pay", "42")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(provider.charges(), 0);

    faults.heal();
    let retry = send(&app, request("/pay", "42")).await;
    assert_eq!(retry.status(), StatusCode::CREATED);
}
