//! The scenario app on actix-web: its server and its routes.

#[path = "listen.rs"]
mod listen;

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::error::{ErrorUnsupportedMediaType, JsonPayloadError};
use actix_web::middleware::from_fn;
use actix_web::web::{
    Data, JsonConfig, PayloadConfig, ServiceConfig, patch, post, resource, route, scope,
};
use actix_web::{App, Error, HttpRequest, HttpServer};
use idem_actix::{Idempotency, Operation, status_by_key};
use idem_testkit::app::{MAX_REQUEST, Service};
use idem_testkit::http::Listening;

use crate::extract::Tenant;
use crate::handlers::{
    accepted, acted, amend, by_amount, by_note, create, empty, hold, json_any, max_run, note,
    note_scope, nothing, raw, recent, recover, release, releases, see_other, short, strict,
    takeover, touch, user_payment, uuid, wait, wait_briefly,
};

/// The number of workers. It is smaller than the number of connections, so that connections share a worker.
const WORKERS: usize = 2;

pub(crate) async fn start(idempotency: Idempotency, service: Service) -> Listening {
    listen::run(move || serve(idempotency, service)).await
}

fn serve(idempotency: Idempotency, service: Service) -> (SocketAddr, Server) {
    let (idempotency, service) = (Data::new(idempotency), Data::new(service));
    let app = move || {
        App::new()
            .app_data(idempotency.clone())
            .app_data(service.clone())
            .app_data(PayloadConfig::new(MAX_REQUEST))
            .app_data(JsonConfig::default().error_handler(unsupported))
            .wrap(from_fn(listen::present))
            .route("/health", idem_actix::health((**idempotency).clone()))
            .configure(routes)
    };
    let server = HttpServer::new(app).workers(WORKERS).disable_signals();
    // A slow client on a busy machine is not an attack. A connection whose worker was blocked for longer than its time to be
    // idle is closed after the response, while the client sends the next request.
    let timeout = Duration::from_secs(60);
    let server = server.client_request_timeout(timeout).keep_alive(timeout);
    let server = server.bind("127.0.0.1:0").unwrap();
    (server.addrs()[0], server.run())
}

fn routes(app: &mut ServiceConfig) {
    let version = |path: &str| scope(path).route("/payments", post().to(create));
    let status = status_by_key::<Tenant, _>(Operation::route("POST", "/payments"));
    app.route("/payments", post().to(create))
        .route("/payments/by-key/{key}", status)
        .route("/refunds", post().to(create))
        .route("/accounts/{account}/payments", post().to(create))
        .service(scope("/api").service(version("/v1")).service(version("/v2")))
        .service(scope("/shops/{shop}").route("/payments", post().to(create)))
        .route("/payments/{id}", patch().to(amend))
        .route("/notes", post().to(note))
        .route("/user-payments", post().to(user_payment))
        .route("/note-scope", post().to(note_scope))
        .route("/raw", post().to(raw))
        .route("/json-any", post().to(json_any))
        .route("/empty", post().to(empty))
        .route("/see-other", post().to(see_other))
        .route("/accepted", post().to(accepted))
        .route("/short", post().to(short))
        .route("/wait", post().to(wait))
        .route("/wait-briefly", post().to(wait_briefly))
        .route("/release", post().to(release))
        .route("/hold", post().to(hold))
        .route("/takeover", post().to(takeover))
        .route("/recover", post().to(recover))
        .route("/acted", post().to(acted))
        .route("/releases", post().to(releases))
        .route("/strict", post().to(strict))
        .route("/uuid", post().to(uuid))
        .route("/recent", post().to(recent))
        .service(resource("/timeout").wrap(from_fn(listen::bounded)).route(post().to(create)))
        .route("/max-run", post().to(max_run))
        .route("/by-note", post().to(by_note))
        .route("/by-amount", post().to(by_amount))
        .route("/any", route().to(touch))
        .route("/nothing", post().to(nothing));
}

/// Returns 415 for a wrong media type. actix-web's default is 400.
fn unsupported(error: JsonPayloadError, _: &HttpRequest) -> Error {
    match error {
        JsonPayloadError::ContentType => ErrorUnsupportedMediaType(error),
        error => error.into(),
    }
}
