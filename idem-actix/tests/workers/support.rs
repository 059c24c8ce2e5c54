//! A server over TCP, and clients for it.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::rt::System;
use actix_web::web::{self, Data, Json};
use actix_web::{App, Error, HttpServer};
use idem_actix::{Idempotency, idempotent};
use idem_testkit::app::actix::HandlerReply;
use idem_testkit::app::{MemoryLedger, Payment, Service};
use idem_testkit::http::payment;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use tokio::sync::oneshot;

/// The threads that handled requests.
#[derive(Clone, Default)]
pub(crate) struct Workers(Arc<Mutex<HashSet<ThreadId>>>);

impl Workers {
    fn note(&self) {
        self.0.lock().unwrap().insert(thread::current().id());
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) control: ServerHandle,
    pub(crate) ended: JoinHandle<()>,
    pub(crate) idempotency: Idempotency,
    pub(crate) service: Service,
    pub(crate) ledger: MemoryLedger,
    pub(crate) workers: Workers,
}

pub(crate) async fn serve(workers: usize, idempotency: Idempotency) -> Server {
    let (ledger, seen) = (MemoryLedger::default(), Workers::default());
    let service = Service::new(ledger.clone());
    let data = (Data::new(idempotency.clone()), Data::new(service.clone()));
    let workers_data = Data::new(seen.clone());
    let app = move || {
        App::new()
            .app_data(data.0.clone())
            .app_data(data.1.clone())
            .app_data(workers_data.clone())
            .wrap(from_fn(note))
            .route("/payments", web::post().to(pay))
            .route("/takeover", web::post().to(takeover))
    };
    let (started, start) = oneshot::channel();
    let ended = thread::spawn(move || {
        let system = System::new();
        system.block_on(async {
            let server = HttpServer::new(app).workers(workers).disable_signals();
            // A slow client on a busy machine is not an attack.
            let server = server.client_request_timeout(Duration::from_secs(60));
            let server = server.bind("127.0.0.1:0").unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            assert!(started.send((address, server.handle())).is_ok());
            server.await.unwrap();
            System::current().stop();
        });
        system.run().unwrap();
    });
    let (address, control) = start.await.unwrap();
    Server { address, control, ended, idempotency, service, ledger, workers: seen }
}

async fn note(
    workers: Data<Workers>,
    service: Data<Service>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    workers.note();
    let _present = service.present();
    next.call(request).await
}

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(service: Data<Service>, Json(payment): Json<Payment>) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[idempotent(ttl = "24h", scope = "global", lease = "12s", guarantee = "at-least-once")]
async fn takeover(service: Data<Service>, Json(payment): Json<Payment>) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) replayed: bool,
    pub(crate) body: String,
}

/// A request for an order. Its key is its note.
pub(crate) fn order(client: &Client, server: &Server, path: &str, note: &str) -> RequestBuilder {
    client.post(format!("http://{}{path}", server.address)).header("idempotency-key", note)
}

pub(crate) fn body(note: &str, script: &Value) -> Value {
    let mut body = payment(100, note);
    body["sim"] = script.clone();
    body
}

pub(crate) async fn send(request: RequestBuilder) -> Response {
    let response = request.send().await.unwrap();
    Response {
        status: response.status().as_u16(),
        replayed: response.headers().contains_key("idempotent-replayed"),
        body: response.text().await.unwrap(),
    }
}

pub(crate) fn client() -> Client {
    idem_testkit::http::client().build().unwrap()
}
