//! The scenario app on actix-web: its server and its routes.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorGatewayTimeout, ErrorUnsupportedMediaType, JsonPayloadError};
use actix_web::http::header::HeaderName;
use actix_web::middleware::{Next, from_fn};
use actix_web::rt::{System, time::timeout};
use actix_web::web::{
    Data, JsonConfig, PayloadConfig, ServiceConfig, patch, post, resource, route, scope,
};
use actix_web::{App, Error, HttpRequest, HttpServer};
use futures_util::FutureExt;
use idem_actix::{Idempotency, Operation, RefusalDetails, status_by_key};
use idem_testkit::app::{MAX_REQUEST, Service};
use idem_testkit::http::{Closing, Listening};
use tokio::sync::oneshot;

use crate::extract::Tenant;
use crate::handlers::{
    accepted, acted, amend, by_amount, by_note, create, empty, hold, json_any, max_run, note,
    note_scope, nothing, raw, recent, recover, release, releases, see_other, short, strict,
    takeover, touch, user_payment, uuid, wait, wait_briefly,
};

/// The number of workers. It is smaller than the number of connections, so that connections share a worker.
const WORKERS: usize = 2;

pub(crate) async fn start(idempotency: Idempotency, service: Service) -> Listening {
    let (started, start) = oneshot::channel();
    let served = std::thread::spawn(|| {
        let system = System::new();
        system.block_on(async {
            let (address, server) = serve(idempotency, service);
            assert!(started.send((address, Running(server.handle()))).is_ok());
            server.await.unwrap();
            System::current().stop();
        });
        system.run().unwrap();
    });
    let (address, running) = start.await.unwrap();
    Listening {
        address,
        shut_down: Box::new(move |drain| {
            async move {
                idem_actix::stop(&running.0, drain).await;
                served.join().unwrap();
            }
            .boxed()
        }),
        drops_on: &[Closing::Rst],
    }
}

/// Stops the server at the end of its scenario.
struct Running(ServerHandle);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stop(false));
    }
}

fn serve(idempotency: Idempotency, service: Service) -> (SocketAddr, Server) {
    let (idempotency, service) = (Data::new(idempotency), Data::new(service));
    let app = move || {
        App::new()
            .app_data(idempotency.clone())
            .app_data(service.clone())
            .app_data(PayloadConfig::new(MAX_REQUEST))
            .app_data(JsonConfig::default().error_handler(unsupported))
            .wrap(from_fn(present))
            .route("/health", idem_actix::health((**idempotency).clone()))
            .configure(routes)
    };
    let server = HttpServer::new(app).workers(WORKERS).disable_signals();
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
        .service(resource("/timeout").wrap(from_fn(bounded)).route(post().to(create)))
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

async fn present(
    service: Data<Service>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let _present = service.present();
    let mut response = next.call(request).await?;
    let refusal = response.response().extensions().get::<RefusalDetails>().cloned();
    if let Some(refusal) = refusal {
        let seen = format!("{} {}", refusal.slug, refusal.operation).parse().unwrap();
        response.headers_mut().insert(HeaderName::from_static("x-refusal"), seen);
    }
    Ok(response)
}

async fn bounded(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match timeout(Duration::from_millis(50), next.call(request)).await {
        Ok(response) => response,
        Err(elapsed) => Err(ErrorGatewayTimeout(elapsed)),
    }
}
