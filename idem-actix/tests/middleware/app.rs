//! The scenario app behind the middleware: its server and its routes.

#[path = "../http/listen.rs"]
mod listen;

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, PayloadConfig, ServiceConfig, patch, post, resource, route, scope};
use actix_web::{App, Error, HttpMessage, HttpServer, Route};
use idem_actix::{Idempotency, IdempotencyMiddleware, Operation, Policy, status_by_key};
use idem_testkit::app::{self, Caller, MAX_REQUEST, Service, policies};
use idem_testkit::http::Listening;

use crate::extract::Tenant;
use crate::handlers::{
    accepted_unguarded, acted_unguarded, amend_unguarded, create_unguarded, empty_unguarded,
    json_any_unguarded, nothing_unguarded, raw_unguarded, see_other_unguarded, touch_unguarded,
    user_payment_unguarded,
};

/// The number of workers. It is smaller than the number of connections, so that connections share a worker.
const WORKERS: usize = 2;

pub(crate) async fn start(idempotency: Idempotency, service: Service) -> Listening {
    listen::run(move || serve(idempotency, service, WORKERS)).await
}

pub(crate) fn serve(
    idempotency: Idempotency,
    service: Service,
    workers: usize,
) -> (SocketAddr, Server) {
    let service = Data::new(service);
    let app = move || {
        App::new()
            .app_data(Data::new(idempotency.clone()))
            .app_data(service.clone())
            .app_data(PayloadConfig::new(MAX_REQUEST))
            .wrap(from_fn(listen::present))
            .route("/health", idem_actix::health(idempotency.clone()))
            .configure(|app| routes(app, &idempotency))
    };
    let server = HttpServer::new(app).workers(workers).disable_signals();
    // A slow client on a busy machine is not an attack. A connection whose worker was blocked for longer than its time to be
    // idle is closed after the response, while the client sends the next request.
    let timeout = Duration::from_secs(60);
    let server = server.client_request_timeout(timeout).keep_alive(timeout);
    let server = server.bind("127.0.0.1:0").unwrap();
    (server.addrs()[0], server.run())
}

/// The routes that share a policy are in one guarded scope, as in an application. It is the last one, because it matches every
/// path.
fn routes(app: &mut ServiceConfig, idempotency: &Idempotency) {
    let middleware = |policy| IdempotencyMiddleware::new(idempotency.clone(), policy);
    let guard = |app: &mut ServiceConfig, path: &str, policy: &'static Policy, handler: Route| {
        let middleware = middleware(policy).scope_from_extension::<app::Tenant>();
        app.service(resource(path).wrap(middleware).wrap(from_fn(authenticate)).route(handler));
    };
    for (path, policy) in [
        ("/notes", &policies::NOTE),
        ("/short", &policies::SHORT),
        ("/wait", &policies::WAIT),
        ("/wait-briefly", &policies::WAIT_BRIEFLY),
        ("/release", &policies::RELEASE),
        ("/hold", &policies::HOLD),
        ("/takeover", &policies::TAKEOVER),
        ("/strict", &policies::STRICT),
        ("/uuid", &policies::UUID),
        ("/recent", &policies::RECENT),
        ("/max-run", &policies::MAX_RUN),
    ] {
        guard(app, path, policy, post().to(create_unguarded));
    }
    guard(app, "/raw", &policies::RAW, post().to(raw_unguarded));
    guard(app, "/releases", &policies::RELEASES, post().to(acted_unguarded));
    let user = middleware(&policies::CREATE).scope_from_extension::<app::User>();
    let global = middleware(&policies::CREATE).global_scope();
    let tenant = middleware(&policies::CREATE).scope_from_extension::<app::Tenant>();
    let status = status_by_key::<Tenant, _>(Operation::route("POST", "/payments"));
    app.route("/payments/by-key/{key}", status)
        .service(
            resource("/user-payments")
                .wrap(user)
                .wrap(from_fn(authenticate))
                .route(post().to(user_payment_unguarded)),
        )
        .service(resource("/nothing").wrap(global).route(post().to(nothing_unguarded)))
        .service(
            resource("/timeout")
                .wrap(tenant.clone())
                .wrap(from_fn(authenticate))
                .wrap(from_fn(listen::bounded))
                .route(post().to(create_unguarded)),
        )
        .service(scope("").wrap(tenant).wrap(from_fn(authenticate)).configure(create_routes));
}

fn create_routes(app: &mut ServiceConfig) {
    let version = |path: &str| scope(path).route("/payments", post().to(create_unguarded));
    app.route("/payments", post().to(create_unguarded))
        .route("/refunds", post().to(create_unguarded))
        .route("/accounts/{account}/payments", post().to(create_unguarded))
        .service(scope("/api").service(version("/v1")).service(version("/v2")))
        .service(scope("/shops/{shop}").route("/payments", post().to(create_unguarded)))
        .route("/payments/{id}", patch().to(amend_unguarded))
        .route("/json-any", post().to(json_any_unguarded))
        .route("/empty", post().to(empty_unguarded))
        .route("/see-other", post().to(see_other_unguarded))
        .route("/accepted", post().to(accepted_unguarded))
        .route("/acted", post().to(acted_unguarded))
        .route("/any", route().to(touch_unguarded));
}

/// Puts the tenant and the user into the extensions.
async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    match Caller::of(request.method().as_str(), authorization) {
        Ok(caller) => {
            request.extensions_mut().insert(caller.tenant);
            request.extensions_mut().insert(caller.user);
            next.call(request).await
        }
        Err(status) => {
            let status = StatusCode::from_u16(status).unwrap();
            Err(InternalError::new("not allowed", status).into())
        }
    }
}
