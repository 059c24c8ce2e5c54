//! `idem_axum::serve`: signals, and what it accepts.

#![allow(missing_docs, clippy::unwrap_used)]

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRef, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::FutureExt;
use idem_axum::{Drained, Idempotency, MemoryStore, idempotent};
use idem_testkit::app::axum::HandlerReply;
use idem_testkit::app::{Payment, Service};
use idem_testkit::http::serve::{Serving, signals_end_a_server};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    service: Service,
}

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(State(service): State<Service>, Json(payment): Json<Payment>) -> HandlerReply {
    HandlerReply(service.pay(payment).await)
}

async fn present(State(service): State<Service>, request: Request, next: Next) -> Response {
    let _present = service.present();
    next.run(request).await
}

async fn serve(idempotency: Idempotency, service: Service) -> Serving {
    let router = Router::new()
        .route("/payments", post(pay))
        .layer(from_fn_with_state(service.clone(), present))
        .with_state(App { idempotency: idempotency.clone(), service });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = idem_axum::serve(listener, router, &idempotency).into_future();
    let ended = tokio::spawn(serving).map(Result::unwrap).boxed();
    Serving { address, ended }
}

#[tokio::test(flavor = "multi_thread")]
async fn signals() {
    signals_end_a_server(serve).await;
}

#[tokio::test]
async fn a_router_with_connect_info_is_served_until_the_given_signal() {
    let idempotency = Idempotency::new(MemoryStore::new());
    let show = get(async |ConnectInfo(client): ConnectInfo<SocketAddr>| client.to_string());
    let router = Router::<()>::new().route("/", show);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = idem_axum::serve(listener, service, &idempotency)
        .shutdown_on(async { drop(stopped.await) })
        .into_future();
    let served = tokio::spawn(serving);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let shown = client.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(shown.starts_with("127.0.0.1:"), "{shown}");
    drop(stop);
    assert_eq!(served.await.unwrap().unwrap(), Drained::Finished);
    assert!(client.get(&url).send().await.is_err(), "the listener is closed");
}
