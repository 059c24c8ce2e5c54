//! `idem_actix::serve`: signals.

#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, Json};
use actix_web::{App, Error, HttpServer};
use futures_util::FutureExt;
use idem_actix::{Idempotency, idempotent};
use idem_testkit::app::actix::HandlerReply;
use idem_testkit::app::{Payment, Service};
use idem_testkit::http::serve::{Serving, signals_end_a_server};

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(service: Data<Service>, Json(payment): Json<Payment>) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

async fn present(
    service: Data<Service>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let _present = service.present();
    next.call(request).await
}

async fn serve(idempotency: Idempotency, service: Service) -> Serving {
    let (handle, service) = (Data::new(idempotency.clone()), Data::new(service));
    let app = move || {
        App::new()
            .app_data(handle.clone())
            .app_data(service.clone())
            .wrap(from_fn(present))
            .route("/payments", web::post().to(pay))
    };
    // A slow client on a busy machine is not an attack.
    let server = HttpServer::new(app).workers(1).client_request_timeout(Duration::from_secs(60));
    let server = server.bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    let serving = idem_actix::serve(server, &idempotency).into_future();
    let ended = tokio::spawn(serving).map(Result::unwrap).boxed();
    Serving { address, ended }
}

#[tokio::test(flavor = "multi_thread")]
async fn signals() {
    signals_end_a_server(serve).await;
}
