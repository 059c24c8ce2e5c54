//! The layer around a service of hyper, without a framework.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use idem_core::{Guarantee, Idempotency, MemoryStore, Policy};
use idem_tower::{GuardedBody, IdempotencyLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tower::{Layer, service_fn};

static POLICY: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);
const MAX_BODY: usize = 16;

/// The service behind the layer.
#[derive(Clone, Default)]
struct Upstream(Arc<Shared>);

#[derive(Default)]
struct Shared {
    runs: AtomicU32,
    entered: Notify,
    gate: Notify,
}

type Reply = Result<Response<BoxBody<Bytes, io::Error>>, io::Error>;

impl Upstream {
    fn runs(&self) -> u32 {
        self.0.runs.load(Ordering::Relaxed)
    }

    async fn serve(self, request: Request<GuardedBody<Incoming>>) -> Reply {
        let run = self.0.runs.fetch_add(1, Ordering::Relaxed) + 1;
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.map_err(io::Error::other)?;
        let trailers = body.trailers().cloned();
        let text = format!("{run} {} {}", path, String::from_utf8_lossy(&body.to_bytes()));
        let full = || Full::from(text.clone()).map_err(|never| match never {}).boxed();
        match &*path {
            "/gate" => {
                self.0.entered.notify_one();
                self.0.gate.notified().await;
                Ok(Response::new(full()))
            }
            "/fails" => Err(io::Error::other("the upstream is unreachable")),
            "/panics" => panic!("as instructed"),
            "/trailers" => {
                let sent = trailers.unwrap_or_default();
                let frames = [Frame::data(Bytes::from(text)), Frame::trailers(sent)];
                let frames = futures_util::stream::iter(frames.map(Ok));
                Ok(Response::new(StreamBody::new(frames).boxed()))
            }
            "/switches" => {
                let mut response =
                    Response::new(Full::default().map_err(|never| match never {}).boxed());
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                Ok(response)
            }
            _ => Ok(Response::new(full())),
        }
    }
}

/// Serves the upstream behind the layer.
async fn serve(upstream: &Upstream) -> SocketAddr {
    let upstream = upstream.clone();
    let inner = service_fn(move |request| upstream.clone().serve(request));
    let layer = IdempotencyLayer::new(Idempotency::new(MemoryStore::new()), &POLICY)
        .global_scope()
        .operation(|head| head.method.as_str().into())
        .max_body(MAX_BODY);
    let service = TowerToHyperService::new(layer.layer(inner));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service.clone());
            tokio::spawn(connection.with_upgrades());
        }
    });
    address
}

/// Waits for an event, and fails instead of hanging if it does not happen. No test here pauses the clock.
async fn watched<T>(event: &str, wait: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(30);
    let Ok(output) = tokio::time::timeout(limit, wait).await else {
        panic!("{event} did not happen within {limit:?}")
    };
    output
}

/// Sends a request, and returns the response as it was sent, in lower case. It is empty if the connection was closed.
async fn call(address: SocketAddr, head: &str, body: &str) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!("{head}\r\nhost: test\r\nconnection: close\r\n\r\n{body}");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    watched("the end of the response", client.read_to_end(&mut response)).await.unwrap();
    String::from_utf8(response).unwrap().to_ascii_lowercase()
}

async fn post(address: SocketAddr, path: &str, key: &str, body: &str) -> String {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nidempotency-key: {key}\r\ncontent-length: {length}");
    call(address, &head, body).await
}

const REPLAYED: &str = "\r\nidempotent-replayed: true\r\n";

#[tokio::test]
async fn a_response_is_replayed() {
    let upstream = Upstream::default();
    let address = serve(&upstream).await;
    let first = post(address, "/a", "k", "4200").await;
    assert!(first.starts_with("http/1.1 200") && first.ends_with("\r\n\r\n1 /a 4200"), "{first}");
    let second = post(address, "/a", "k", "4200").await;
    assert!(second.contains(REPLAYED) && second.ends_with("\r\n\r\n1 /a 4200"), "{second}");
    let other = post(address, "/a", "k", "1").await;
    assert!(other.starts_with("http/1.1 422") && other.contains("key-reused"), "{other}");
    let missing = call(address, "POST /a HTTP/1.1\r\ncontent-length: 0", "").await;
    assert!(missing.starts_with("http/1.1 400") && missing.contains("key-missing"), "{missing}");
    assert_eq!(upstream.runs(), 1);
}

/// A safe method passes through, and the service cannot claim to be a replay.
#[tokio::test]
async fn a_safe_method_is_not_guarded() {
    let upstream = Upstream::default();
    let address = serve(&upstream).await;
    for run in 1..=2 {
        let response = call(address, "GET /a HTTP/1.1\r\nidempotency-key: k", "").await;
        assert!(response.ends_with(&format!("\r\n\r\n{run} /a ")), "{response}");
    }
}

/// A client that waits for `100 Continue` is refused without it.
#[tokio::test]
async fn a_large_body_is_refused_before_the_service() {
    let upstream = Upstream::default();
    let address = serve(&upstream).await;
    let expecting = |length: usize| {
        format!(
            "POST /a HTTP/1.1\r\nidempotency-key: k\r\nexpect: 100-continue\r\ncontent-length: {length}"
        )
    };
    let refused = call(address, &expecting(MAX_BODY + 1), "").await;
    assert!(refused.starts_with("http/1.1 413"), "{refused}");
    assert!(!refused.contains("100 continue"), "{refused}");
    let chunked = "POST /a HTTP/1.1\r\nidempotency-key: k\r\ntransfer-encoding: chunked";
    let body = format!("{:x}\r\n{}\r\n0\r\n\r\n", MAX_BODY + 1, "x".repeat(MAX_BODY + 1));
    let refused = call(address, chunked, &body).await;
    assert!(refused.starts_with("http/1.1 413"), "{refused}");
    assert_eq!(upstream.runs(), 0);
    let accepted = call(address, &expecting(MAX_BODY), &"x".repeat(MAX_BODY)).await;
    assert!(accepted.starts_with("http/1.1 100 continue"), "{accepted}");
    assert!(accepted.contains("http/1.1 200"), "{accepted}");
}

#[tokio::test]
async fn a_run_outlives_its_client() {
    let upstream = Upstream::default();
    let address = serve(&upstream).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    let head =
        "POST /gate HTTP/1.1\r\nhost: test\r\nidempotency-key: k\r\ncontent-length: 0\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    watched("the start of the run", upstream.0.entered.notified()).await;
    drop(client);
    let early = post(address, "/gate", "k", "").await;
    assert!(early.starts_with("http/1.1 409") && early.contains("in-progress"), "{early}");
    upstream.0.gate.notify_one();
    let settled = async {
        loop {
            let response = post(address, "/gate", "k", "").await;
            if !response.starts_with("http/1.1 409") {
                return response;
            }
        }
    };
    let replay = watched("the end of the run", settled).await;
    assert!(replay.contains(REPLAYED), "{replay}");
    assert_eq!(upstream.runs(), 1);
}

/// The caller of the run gets the error itself, on which hyper closes the connection.
#[tokio::test]
async fn an_error_of_the_service_is_an_ambiguous_failure() {
    let upstream = Upstream::default();
    let address = serve(&upstream).await;
    assert_eq!(post(address, "/fails", "k", "").await, "");
    let retry = post(address, "/fails", "k", "").await;
    assert!(retry.starts_with("http/1.1 500") && retry.contains(REPLAYED), "{retry}");
    let panicked = post(address, "/panics", "p", "").await;
    assert!(panicked.starts_with("http/1.1 500"), "{panicked}");
    assert!(!panicked.contains("as instructed"), "{panicked}");
    assert!(post(address, "/panics", "p", "").await.contains(REPLAYED));
    assert_eq!(upstream.runs(), 2);
}

/// The trailers of both directions are passed on. A replay has none.
#[tokio::test]
async fn trailers_are_passed_on() {
    let upstream = Upstream::default();
    let address = serve(&upstream).await;
    let head = "POST /trailers HTTP/1.1\r\nidempotency-key: k\r\nte: trailers\r\ntrailer: x-sum\r\n\
                transfer-encoding: chunked";
    let body = "2\r\nab\r\n0\r\nx-sum: 7\r\n\r\n";
    let first = call(address, head, body).await;
    assert!(first.contains("1 /trailers ab"), "{first}");
    let replay = call(address, head, body).await;
    assert!(replay.contains(REPLAYED) && replay.ends_with("1 /trailers ab"), "{replay}");
}

/// An upgrade is a stream: its head reaches the client, and a retry is refused.
#[tokio::test]
async fn an_upgrade_is_not_retained() {
    let upstream = Upstream::default();
    let address = serve(&upstream).await;
    let head = "POST /switches HTTP/1.1\r\nidempotency-key: k\r\nupgrade: x\r\ncontent-length: 0";
    let first = call(address, head, "").await;
    assert!(first.starts_with("http/1.1 101"), "{first}");
    let retry = call(address, head, "").await;
    assert!(retry.starts_with("http/1.1 409") && retry.contains("result-unavailable"), "{retry}");
    assert_eq!(upstream.runs(), 1);
}

/// A gRPC client shows this status with its message.
#[tokio::test]
async fn a_grpc_call_is_refused_with_its_status() {
    let upstream = Upstream::default();
    let address = serve(&upstream).await;
    for key in ["\r\nidempotency-key: k", ""] {
        let head = format!(
            "POST /a HTTP/1.1\r\ncontent-type: application/grpc+proto\r\ncontent-length: 0{key}"
        );
        let refused = call(address, &head, "").await;
        assert!(refused.starts_with("http/1.1 200"), "{refused}");
        assert!(refused.contains("\r\ngrpc-status: 12\r\n"), "{refused}");
        assert!(refused.contains("\r\ngrpc-message: idem does not guard grpc calls"), "{refused}");
    }
    assert_eq!(upstream.runs(), 0);
}
