//! The scenario app on actix-web: one annotated handler per row of the table in
//! `idem_testkit::http::app`.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorGatewayTimeout, ErrorUnsupportedMediaType, JsonPayloadError};
use actix_web::http::header::{HeaderValue, IF_MATCH};
use actix_web::middleware::{Next, from_fn};
use actix_web::rt::{System, time::timeout};
use actix_web::web::{
    Bytes, Data, Json, JsonConfig, Path, PayloadConfig, Query, ServiceConfig, patch, post,
    resource, route, scope,
};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, Responder};
use futures_util::FutureExt;
use idem_actix::{Idempotency, idempotent};
use idem_testkit::http::app::{Label, MAX_REQUEST, Order, Payments};
use idem_testkit::http::{Closing, Listening};
use tokio::sync::oneshot;

use crate::extract::{Tenant, User};
use crate::respond::Replied;

/// Fewer workers than scenarios keep connections, so that many share one.
const WORKERS: usize = 2;

pub(crate) async fn start(idempotency: Idempotency, payments: Payments) -> Listening {
    let (started, start) = oneshot::channel();
    let served = std::thread::spawn(|| {
        let system = System::new();
        system.block_on(async {
            let (address, server) = serve(idempotency, payments);
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

/// Ends with its scenario.
struct Running(ServerHandle);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stop(false));
    }
}

fn serve(idempotency: Idempotency, payments: Payments) -> (SocketAddr, Server) {
    let (idempotency, payments) = (Data::new(idempotency), Data::new(payments));
    let app = move || {
        App::new()
            .app_data(idempotency.clone())
            .app_data(payments.clone())
            .app_data(PayloadConfig::new(MAX_REQUEST))
            .app_data(JsonConfig::default().error_handler(unsupported))
            .wrap(from_fn(present))
            .configure(routes)
    };
    let server = HttpServer::new(app).workers(WORKERS).disable_signals();
    let server = server.bind("127.0.0.1:0").unwrap();
    (server.addrs()[0], server.run())
}

fn routes(app: &mut ServiceConfig) {
    let version = |path: &str| scope(path).route("/payments", post().to(create));
    app.route("/payments", post().to(create))
        .route("/refunds", post().to(create))
        .route("/accounts/{account}/payments", post().to(create))
        .service(scope("/api").service(version("/v1")).service(version("/v2")))
        .service(scope("/shops/{shop}").route("/payments", post().to(create)))
        .route("/payments/{id}", patch().to(amend))
        .route("/notes", post().to(note))
        .route("/user-payments", post().to(user_payment))
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
        .route("/strict", post().to(strict))
        .service(resource("/timeout").wrap(from_fn(bounded)).route(post().to(create)))
        .route("/max-run", post().to(max_run))
        .route("/by-note", post().to(by_note))
        .route("/by-amount", post().to(by_amount))
        .route("/any", route().to(touch))
        .route("/nothing", post().to(nothing));
}

/// Says, unlike the default, that it is the media type which is wrong.
fn unsupported(error: JsonPayloadError, _: &HttpRequest) -> Error {
    match error {
        JsonPayloadError::ContentType => ErrorUnsupportedMediaType(error),
        error => error.into(),
    }
}

async fn present(
    payments: Data<Payments>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let _present = payments.present();
    next.call(request).await
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

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn amend(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    id: Path<String>,
    request: HttpRequest,
    Json(order): Json<Order>,
) -> Replied {
    let if_match = request.headers().get(IF_MATCH).map(HeaderValue::as_bytes);
    Replied(payments.amend(&id, if_match, order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", optional)]
async fn note(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "user")]
async fn user_payment(
    payments: Data<Payments>,
    User(user): User,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "raw")]
async fn raw(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
    body: Bytes,
) -> Replied {
    Replied(payments.echo(&label, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn json_any(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
    body: Bytes,
) -> Replied {
    Replied(payments.echo(&label, body).await)
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn empty(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await.only(204))
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn see_other(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await.only(303))
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn accepted(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await.only(202))
}

#[idempotent(ttl = "1h", scope = "tenant")]
async fn short(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "30s")]
async fn wait(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", wait = "100ms")]
async fn wait_briefly(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", guarantee = "at-least-once")]
async fn release(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms")]
async fn hold(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", lease = "500ms", guarantee = "at-least-once")]
async fn takeover(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", syntax = "strict")]
async fn strict(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", max_run = "200ms", lease = "100ms")]
async fn max_run(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", key = "order.note")]
async fn by_note(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "order.amount")]
async fn by_amount(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Json(order): Json<Order>,
) -> Replied {
    Replied(payments.pay(order).await)
}

/// It takes no body.
#[idempotent(ttl = "24h", scope = "tenant")]
async fn touch(
    payments: Data<Payments>,
    Tenant(tenant): Tenant,
    Query(label): Query<Label>,
) -> Replied {
    Replied(payments.touch(&label).await)
}

#[idempotent(ttl = "24h", scope = "global")]
async fn nothing() -> impl Responder {
    HttpResponse::NoContent()
}
