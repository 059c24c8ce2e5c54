//! Mistakes around a middleware: each is a 500 and an error in the log, and the handler does not run. `layer_mistakes` of
//! idem-axum has the same tests.

#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};

use std::time::Duration;

use actix_web::body::{BoxBody, to_bytes};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, call_service, init_service, try_call_service};
use actix_web::web::{self, Data};
use actix_web::{App, Error, HttpMessage, HttpResponse, Responder};
use idem_actix::{
    Guarantee, Idempotency, IdempotencyMiddleware, MemoryStore, Policy, ScopeParts, ScopeValue,
    idempotent,
};
use idem_testkit::log::Log;

static POLICY: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);
static BY_ARGUMENT: Policy =
    Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce).with_argument_fingerprint();

struct Tenant(&'static str);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(self.0);
    }
}

#[derive(Default)]
struct Runs(AtomicU32);

impl Runs {
    fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(runs: Data<Runs>) -> impl Responder {
    runs.0.fetch_add(1, Ordering::Relaxed);
    HttpResponse::Created()
}

fn idempotency() -> Idempotency {
    Log::collect();
    Idempotency::new(MemoryStore::new())
}

/// Returns the status, and whether the response is a replay. A macro, because the type of the app cannot be named.
macro_rules! send {
    ($app:expr, $method:ident, $path:expr) => {{
        let request = TestRequest::with_uri($path).method(Method::$method);
        let request = request.insert_header(("idempotency-key", "k")).to_request();
        let response = call_service(&$app, request).await;
        (response.status(), response.headers().contains_key("idempotent-replayed"))
    }};
}

const REFUSED: (StatusCode, bool) = (StatusCode::INTERNAL_SERVER_ERROR, false);
const EXECUTED: (StatusCode, bool) = (StatusCode::CREATED, false);
const REPLAYED: (StatusCode, bool) = (StatusCode::CREATED, true);

#[actix_web::test]
async fn a_middleware_outside_of_authentication_refuses_every_guarded_request() {
    let runs = Data::new(Runs::default());
    let middleware =
        IdempotencyMiddleware::new(idempotency(), &POLICY).scope_from_extension::<Tenant>();
    let route = web::resource("/outside").wrap(middleware).route(web::route().to(pay_unguarded));
    let app = init_service(App::new().app_data(runs.clone()).service(route)).await;
    assert_eq!(send!(app, POST, "/outside"), REFUSED);
    let message = "the layer is outside the layer that sets `middleware_mistakes::Tenant`";
    Log::collect().assert_error("/outside", message);
    assert_eq!(runs.count(), 0);
    assert_eq!(send!(app, GET, "/outside"), EXECUTED, "not guarded");
}

#[actix_web::test]
async fn an_empty_scope_is_not_the_global_scope() {
    let runs = Data::new(Runs::default());
    let middleware = IdempotencyMiddleware::new(idempotency(), &POLICY)
        .scope(|request| request.extensions().get::<Tenant>().map(|tenant| tenant.0));
    let route = web::resource("/empty").wrap(middleware).route(web::post().to(pay_unguarded));
    let app = init_service(App::new().app_data(runs.clone()).service(route)).await;
    assert_eq!(send!(app, POST, "/empty"), REFUSED);
    Log::collect().assert_error("/empty", "the scope is empty");
    assert_eq!(runs.count(), 0);
}

#[actix_web::test]
async fn a_default_service_has_no_operation_until_it_is_named() {
    let runs = Data::new(Runs::default());
    let middleware = IdempotencyMiddleware::new(idempotency(), &POLICY).global_scope();
    let named = middleware.clone().operation(|_| "default".into());
    let app = App::new().app_data(runs.clone()).wrap(middleware);
    let app = init_service(app.default_service(web::to(pay_unguarded))).await;
    assert_eq!(send!(app, POST, "/unmatched"), REFUSED);
    Log::collect().assert_error("/unmatched", "name it with `.operation(…)`");
    assert_eq!(runs.count(), 0);
    let app = App::new().app_data(runs.clone()).wrap(named);
    let app = init_service(app.default_service(web::to(pay_unguarded))).await;
    assert_eq!(send!(app, POST, "/unmatched"), EXECUTED);
    assert_eq!(send!(app, POST, "/unmatched"), REPLAYED);
    assert_eq!(runs.count(), 1);
}

/// The inner guard refuses the request, and the outer one frees its key.
#[actix_web::test]
async fn a_route_is_not_guarded_twice() {
    let (runs, idempotency) = (Data::new(Runs::default()), idempotency());
    let middleware = IdempotencyMiddleware::new(idempotency.clone(), &POLICY).global_scope();
    let app = App::new()
        .app_data(runs.clone())
        .app_data(Data::new(idempotency))
        .service(web::scope("/attribute").wrap(middleware.clone()).route("/twice", web::to(pay)))
        .service(
            web::scope("/middleware")
                .wrap(middleware.clone())
                .wrap(middleware.clone())
                .route("/twice", web::to(pay_unguarded)),
        );
    let app = init_service(app).await;
    for path in ["/attribute/twice", "/middleware/twice"] {
        assert_eq!(send!(app, POST, path), REFUSED, "{path}");
        assert_eq!(send!(app, POST, path), REFUSED, "{path}");
        assert_eq!(send!(app, GET, path), REFUSED, "{path}");
        Log::collect().assert_error(path, "guarded twice: use the layer or the attribute");
    }
    assert_eq!(runs.count(), 0);
    let once = App::new().app_data(runs.clone()).wrap(middleware);
    let once = init_service(once.route("/attribute/twice", web::to(pay_unguarded))).await;
    assert_eq!(send!(once, POST, "/attribute/twice"), EXECUTED, "the key is free");
}

/// A middleware that fails with a status.
async fn failing(
    status: Data<StatusCode>,
    runs: Data<Runs>,
    _: ServiceRequest,
    _: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    runs.0.fetch_add(1, Ordering::Relaxed);
    Err(InternalError::new("no", **status).into())
}

/// The error of an inner middleware is recorded like the response that it becomes.
#[actix_web::test]
async fn an_error_of_an_inner_middleware_is_recorded() {
    for (status, runs_of_two) in [(StatusCode::CONFLICT, 1), (StatusCode::SERVICE_UNAVAILABLE, 2)] {
        let runs = Data::new(Runs::default());
        let middleware = IdempotencyMiddleware::new(idempotency(), &POLICY).global_scope();
        let route = web::resource("/failing").wrap(from_fn(failing)).wrap(middleware);
        let app = App::new().app_data(runs.clone()).app_data(Data::new(status));
        let app = init_service(app.service(route.route(web::to(pay_unguarded)))).await;
        for run in 1..=2 {
            let request = TestRequest::post().uri("/failing");
            let request = request.insert_header(("idempotency-key", "k")).to_request();
            let response = match try_call_service(&app, request).await {
                Ok(response) => response.into_parts().1.map_into_boxed_body(),
                Err(error) => error.error_response(),
            };
            assert_eq!(response.status(), status);
            let replayed = response.headers().contains_key("idempotent-replayed");
            assert_eq!(replayed, run > runs_of_two, "request {run}");
            assert_eq!(to_bytes(response.into_body()).await.unwrap(), "no");
        }
        assert_eq!(runs.count(), runs_of_two);
    }
}

#[test]
#[should_panic(expected = "a layer has only the request")]
fn a_middleware_has_no_arguments() {
    drop(IdempotencyMiddleware::new(idempotency(), &BY_ARGUMENT));
}
