//! The scenario app behind the layer: its server and its routes.

#[path = "../http/listen.rs"]
mod listen;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, patch, post};
use idem_axum::{Idempotency, IdempotencyLayer, Operation, Policy, status_by_key};
use idem_testkit::app::{self, Caller, MAX_REQUEST, Service, policies};
use idem_testkit::http::Listening;
use tower_http::timeout::TimeoutLayer;

use crate::extract::Tenant;
use crate::handlers::{
    accepted_unguarded, acted_unguarded, amend_unguarded, create_unguarded, empty_unguarded,
    json_any_unguarded, nothing_unguarded, raw_unguarded, see_other_unguarded, touch_unguarded,
    user_payment_unguarded,
};

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    service: Service,
}

pub(crate) async fn start(idempotency: Idempotency, service: Service) -> Listening {
    listen::serve(router(App { idempotency, service })).await
}

impl App {
    fn layer(&self, policy: &'static Policy) -> IdempotencyLayer {
        IdempotencyLayer::new(self.idempotency.clone(), policy).max_body(MAX_REQUEST)
    }

    /// Guards a route for the tenant of the caller.
    fn guard(&self, route: MethodRouter<Self>, policy: &'static Policy) -> MethodRouter<Self> {
        let layer = self.layer(policy).scope_from_extension::<app::Tenant>();
        route.layer(layer).layer(from_fn(authenticate))
    }

    /// A route that makes a payment.
    fn pay(&self, policy: &'static Policy) -> MethodRouter<Self> {
        self.guard(post(create_unguarded), policy)
    }
}

fn router(app: App) -> Router {
    let pay = |policy| app.pay(policy);
    let guard = |route| app.guard(route, &policies::CREATE);
    let payments = || Router::new().route("/payments", pay(&policies::CREATE));
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(50));
    let user = app.layer(&policies::CREATE).scope_from_extension::<app::User>();
    let status = status_by_key::<Tenant>(Operation::route("POST", "/payments"));
    payments()
        .route("/health", idem_axum::health(app.idempotency.clone()))
        .route("/refunds", pay(&policies::CREATE))
        .route("/accounts/{account}/payments", pay(&policies::CREATE))
        .nest("/api/v1", payments())
        .nest("/api/v2", payments())
        .nest("/shops/{shop}", payments())
        .route("/payments/by-key/{key}", get(status))
        .route("/payments/{id}", guard(patch(amend_unguarded)))
        .route("/notes", pay(&policies::NOTE))
        .route(
            "/user-payments",
            post(user_payment_unguarded).route_layer(user).route_layer(from_fn(authenticate)),
        )
        .route("/raw", app.guard(post(raw_unguarded), &policies::RAW))
        .route("/json-any", guard(post(json_any_unguarded)))
        .route("/empty", guard(post(empty_unguarded)))
        .route("/see-other", guard(post(see_other_unguarded)))
        .route("/accepted", guard(post(accepted_unguarded)))
        .route("/short", pay(&policies::SHORT))
        .route("/wait", pay(&policies::WAIT))
        .route("/wait-briefly", pay(&policies::WAIT_BRIEFLY))
        .route("/release", pay(&policies::RELEASE))
        .route("/hold", pay(&policies::HOLD))
        .route("/takeover", pay(&policies::TAKEOVER))
        .route("/acted", guard(post(acted_unguarded)))
        .route("/releases", app.guard(post(acted_unguarded), &policies::RELEASES))
        .route("/strict", pay(&policies::STRICT))
        .route("/uuid", pay(&policies::UUID))
        .route("/recent", pay(&policies::RECENT))
        .route("/timeout", pay(&policies::CREATE).layer(timeout))
        .route("/max-run", pay(&policies::MAX_RUN))
        .route("/any", guard(any(touch_unguarded)))
        .route(
            "/nothing",
            post(nothing_unguarded).route_layer(app.layer(&policies::CREATE).global_scope()),
        )
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .layer(from_fn_with_state(app.service.clone(), listen::present))
        .with_state(app)
}

/// Puts the tenant and the user into the extensions.
async fn authenticate(mut request: Request, next: Next) -> Response {
    let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    match Caller::of(request.method().as_str(), authorization) {
        Ok(caller) => {
            request.extensions_mut().insert(caller.tenant);
            request.extensions_mut().insert(caller.user);
            next.run(request).await
        }
        Err(status) => StatusCode::from_u16(status).unwrap().into_response(),
    }
}
