//! Runs the proxy as a process in front of a small service, and calls it over HTTP.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use reqwest::{Client, Response};
use tokio::net::TcpListener;

/// A running proxy. It is stopped when this handle is dropped.
struct Proxy {
    process: Child,
    url: String,
    /// Kept open, because the proxy fails to print when its output is closed.
    _stdout: BufReader<ChildStdout>,
}

impl Proxy {
    fn start(upstream: &str, args: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_reverse-proxy"))
            .args(["--listen", "127.0.0.1:0", "--upstream", upstream])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, url, _stdout: stdout }
    }

    async fn charge(&self, token: &str, key: Option<&str>, body: &str) -> Response {
        let request = Client::new().post(format!("{}/charges?dry=no", self.url)).bearer_auth(token);
        let request =
            key.iter().fold(request, |request, key| request.header("idempotency-key", *key));
        request.body(body.to_owned()).send().await.unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A service that knows no keys: each request is a charge.
async fn upstream() -> (String, Arc<AtomicU32>) {
    let charges = Arc::new(AtomicU32::new(0));
    let charge = async |State(charges): State<Arc<AtomicU32>>, body: String| {
        let number = charges.fetch_add(1, Ordering::Relaxed) + 1;
        let status = match body.as_str() {
            "late" => StatusCode::SERVICE_UNAVAILABLE,
            "limited" => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::CREATED,
        };
        (status, [("x-charge", number)], format!("charge {number} of {body}"))
    };
    let router = Router::new().route("/charges", post(charge)).with_state(Arc::clone(&charges));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), charges)
}

fn is_replay(response: &Response) -> bool {
    response.headers().get("idempotent-replayed").is_some_and(|marker| marker == "true")
}

#[tokio::test]
async fn two_requests_with_one_key_have_one_effect() {
    let (upstream, charges) = upstream().await;
    let proxy = Proxy::start(&upstream, &[]);
    let first = proxy.charge("alice-token", Some("order-1001"), "4200").await;
    assert_eq!((first.status(), is_replay(&first)), (StatusCode::CREATED, false));
    let second = proxy.charge("alice-token", Some("order-1001"), "4200").await;
    assert_eq!((second.status(), is_replay(&second)), (StatusCode::CREATED, true));
    assert_eq!(second.headers()["x-charge"], "1");
    assert_eq!(second.text().await.unwrap(), first.text().await.unwrap());
    assert_eq!(charges.load(Ordering::Relaxed), 1);

    let other = proxy.charge("alice-token", Some("order-1001"), "1").await;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let stranger = proxy.charge("mallory-token", Some("order-1001"), "4200").await;
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(charges.load(Ordering::Relaxed), 1);
    for (token, key) in [("carol-token", Some("order-1001")), ("alice-token", None)] {
        let another = proxy.charge(token, key, "4200").await;
        assert_eq!((another.status(), is_replay(&another)), (StatusCode::CREATED, false));
    }
    assert_eq!(charges.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn another_proxy_on_the_same_store_replays() {
    let (upstream, charges) = upstream().await;
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}/keys.db", directory.path().display());
    for replayed in [false, true] {
        let proxy = Proxy::start(&upstream, &["--store", &store]);
        let response = proxy.charge("alice-token", Some("order-1001"), "4200").await;
        assert_eq!((response.status(), is_replay(&response)), (StatusCode::CREATED, replayed));
    }
    assert_eq!(charges.load(Ordering::Relaxed), 1);
}

/// The service may have acted before its 503, so a retry does not reach it.
#[tokio::test]
async fn a_503_of_the_service_is_replayed() {
    is_replayed("late", StatusCode::SERVICE_UNAVAILABLE).await;
}

/// The same holds for a 429: the service may charge first, and count the request afterwards.
#[tokio::test]
async fn a_429_of_the_service_is_replayed() {
    is_replayed("limited", StatusCode::TOO_MANY_REQUESTS).await;
}

async fn is_replayed(body: &str, status: StatusCode) {
    let (upstream, charges) = upstream().await;
    let proxy = Proxy::start(&upstream, &[]);
    for replayed in [false, true] {
        let response = proxy.charge("alice-token", Some("order-1001"), body).await;
        assert_eq!((response.status(), is_replay(&response)), (status, replayed));
    }
    assert_eq!(charges.load(Ordering::Relaxed), 1);
}

/// A key belongs to one request, whatever its method and path are.
#[tokio::test]
async fn a_key_of_another_path_is_refused() {
    let (upstream, charges) = upstream().await;
    let proxy = Proxy::start(&upstream, &[]);
    let first = proxy.charge("alice-token", Some("order-1001"), "4200").await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let client = Client::new();
    for request in [client.post(&proxy.url), client.delete(format!("{}/charges", proxy.url))] {
        let request = request.bearer_auth("alice-token").header("idempotency-key", "order-1001");
        let refused = request.body("4200").send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(charges.load(Ordering::Relaxed), 1);
}

/// Nothing was sent, so the key is free for the time when the service is up again.
#[tokio::test]
async fn an_unreachable_service_leaves_the_key_free() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    drop(listener);
    let proxy = Proxy::start(&format!("http://{address}"), &[]);
    for _ in 0..2 {
        let refused = proxy.charge("alice-token", Some("order-1001"), "4200").await;
        assert_eq!(
            (refused.status(), is_replay(&refused)),
            (StatusCode::SERVICE_UNAVAILABLE, false)
        );
    }
}
