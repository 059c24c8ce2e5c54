//! Mistakes around a layer: each is a 500 and an error in the log, and the handler does not run. `middleware_mistakes` of
//! idem-actix has the same tests.

#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use axum::routing::{any, post};
use idem_axum::{
    Guarantee, Idempotency, IdempotencyLayer, MemoryStore, Policy, ScopeParts, ScopeValue,
    idempotent,
};
use idem_testkit::log::Log;
use tower::ServiceExt;

static POLICY: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);
static BY_ARGUMENT: Policy =
    Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce).with_argument_fingerprint();

#[derive(Clone)]
struct Tenant(&'static str);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(self.0);
    }
}

#[derive(Clone)]
struct App {
    idempotency: Idempotency,
    runs: Arc<AtomicU32>,
}

impl axum::extract::FromRef<App> for Idempotency {
    fn from_ref(app: &App) -> Self {
        app.idempotency.clone()
    }
}

impl App {
    fn new() -> Self {
        Log::collect();
        Self { idempotency: Idempotency::new(MemoryStore::new()), runs: Arc::default() }
    }

    fn layer(&self) -> IdempotencyLayer {
        IdempotencyLayer::new(self.idempotency.clone(), &POLICY)
    }

    fn runs(&self) -> u32 {
        self.runs.load(Ordering::Relaxed)
    }
}

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(State(app): State<App>) -> StatusCode {
    app.runs.fetch_add(1, Ordering::Relaxed);
    StatusCode::CREATED
}

async fn send(router: &Router, method: Method, path: &str) -> Response {
    let request = Request::builder().method(method).uri(path).header("idempotency-key", "k");
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_layer_outside_of_authentication_refuses_every_guarded_request() {
    let app = App::new();
    let layer = app.layer().scope_from_extension::<Tenant>();
    let route = any(pay_unguarded).layer(layer);
    let router = Router::new().route("/outside", route).with_state(app.clone());
    assert_eq!(send(&router, Method::POST, "/outside").await.status(), 500);
    Log::collect().assert_error(
        "/outside",
        "the layer is outside the layer that sets `layer_mistakes::Tenant`",
    );
    assert_eq!(app.runs(), 0);
    assert_eq!(send(&router, Method::GET, "/outside").await.status(), 201, "not guarded");
}

#[tokio::test]
async fn an_empty_scope_is_not_the_global_scope() {
    let app = App::new();
    let layer = app.layer().scope(|head| head.extensions.get::<Tenant>().map(|tenant| tenant.0));
    let route = post(pay_unguarded).route_layer(layer);
    let router = Router::new().route("/empty", route).with_state(app.clone());
    assert_eq!(send(&router, Method::POST, "/empty").await.status(), 500);
    Log::collect().assert_error("/empty", "the scope is empty");
    assert_eq!(app.runs(), 0);
}

#[tokio::test]
async fn a_fallback_has_no_operation_until_it_is_named() {
    let app = App::new();
    let router = |named: bool| {
        let router = Router::new().fallback(pay_unguarded);
        let layer = app.layer().global_scope();
        let router = if named {
            router.layer(layer.operation(|_| "fallback".into()))
        } else {
            router.layer(layer)
        };
        router.with_state(app.clone())
    };
    assert_eq!(send(&router(false), Method::POST, "/unmatched").await.status(), 500);
    Log::collect().assert_error("/unmatched", "name it with `.operation(…)`");
    assert_eq!(app.runs(), 0);
    let named = router(true);
    assert_eq!(send(&named, Method::POST, "/unmatched").await.status(), 201);
    let replay = send(&named, Method::POST, "/unmatched").await;
    assert_eq!(replay.headers()["idempotent-replayed"], "true");
    assert_eq!(app.runs(), 1);
}

/// The inner guard refuses the request, and the outer one frees its key.
#[tokio::test]
async fn a_route_is_not_guarded_twice() {
    let app = App::new();
    let layer = || app.layer().global_scope();
    let with_attribute =
        Router::new().route("/twice", any(pay)).route_layer(layer()).with_state(app.clone());
    let with_layer = Router::new()
        .route("/twice", any(pay_unguarded))
        .route_layer(layer())
        .route_layer(layer())
        .with_state(app.clone());
    for twice in [with_attribute, with_layer] {
        for method in [Method::POST, Method::POST, Method::GET] {
            let refused = send(&twice, method, "/twice").await;
            assert_eq!(refused.status(), 500);
            assert!(!refused.headers().contains_key("idempotent-replayed"));
        }
    }
    Log::collect().assert_error("/twice", "guarded twice: use the layer or the attribute");
    assert_eq!(app.runs(), 0);
    let once = Router::new().route("/twice", post(pay_unguarded));
    let once = once.route_layer(layer()).with_state(app.clone());
    assert_eq!(send(&once, Method::POST, "/twice").await.status(), 201, "the key is free");
}

/// Its request is another one, so it is not a second guard.
#[tokio::test]
async fn a_guarded_handler_may_call_a_guarded_router() {
    let app = App::new();
    let inner = Router::new().route("/inner", post(pay)).with_state(app.clone());
    let calling = async move || send(&inner, Method::POST, "/inner").await;
    let outer = Router::new().route("/calling", post(calling));
    let outer = outer.route_layer(app.layer().global_scope());
    assert_eq!(send(&outer, Method::POST, "/calling").await.status(), 201);
    assert_eq!(app.runs(), 1);
}

#[test]
#[should_panic(expected = "a layer has only the request")]
fn a_layer_has_no_arguments() {
    drop(IdempotencyLayer::new(App::new().idempotency, &BY_ARGUMENT));
}
