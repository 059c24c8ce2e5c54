//! Runs the example as a process and calls it over HTTP. `payments-actix` has the same tests.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use idem_testkit::servers::eventually;
use reqwest::header::HeaderValue;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

const PROGRAM: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));

/// A running server. It is stopped when this handle is dropped.
struct Server {
    process: Child,
    url: String,
    /// Kept open, because the server fails to print when its output is closed.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(args: &[&str]) -> Self {
        let mut process = Command::new(PROGRAM)
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).unwrap();
        let url = first_line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, url, _stdout: stdout }
    }

    fn pay(&self, token: &str, key: &str, amount: u64) -> RequestBuilder {
        Client::new()
            .post(format!("{}/payments", self.url))
            .bearer_auth(token)
            .header("Idempotency-Key", key)
            .json(&json!({"amount": amount, "currency": "EUR"}))
    }

    async fn charges(&self, token: &str) -> usize {
        let list = Client::new().get(format!("{}/payments", self.url)).bearer_auth(token);
        let list: Vec<Value> = list.send().await.unwrap().json().await.unwrap();
        list.len()
    }
}

impl Server {
    /// Pays as [`pay`](Self::pay) does, and again while the store is busy. A service has short store timeouts, and its response
    /// can come before a slow store has it.
    async fn pay_on_store(&self, token: &str, key: &str, amount: u64) -> Response {
        eventually("reply of a store that is not busy", async || {
            let response = self.pay(token, key, amount).send().await.unwrap();
            let refused = response.headers().get("idempotency-refused");
            let is_busy = |slug: &HeaderValue| slug == "store-unavailable" || slug == "in-progress";
            (!refused.is_some_and(is_busy)).then_some(response)
        })
        .await
    }

    /// Waits up to a minute for the server to end, and returns its exit status.
    fn exit_status(&mut self) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "the server does not end");
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn replayed(response: &Response) -> bool {
    response.headers().get("idempotent-replayed").is_some_and(|marker| marker == "true")
}

#[tokio::test]
async fn a_retry_gets_the_first_response_and_charges_nothing() {
    let server = Server::start();
    let first = server.pay("alice-token", "order-1001", 4200).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::CREATED);
    assert!(!replayed(&first));
    let retry = server.pay("alice-token", "order-1001", 4200).send().await.unwrap();
    assert_eq!(retry.status(), StatusCode::CREATED);
    assert!(replayed(&retry));
    assert_eq!(retry.bytes().await.unwrap(), first.bytes().await.unwrap());
    assert_eq!(server.charges("alice-token").await, 1);
}

#[tokio::test]
async fn other_amounts_tenants_and_keys_are_distinguished() {
    let server = Server::start();
    let first = server.pay("alice-token", "order-1001", 4200).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::CREATED);
    let other_amount = server.pay("alice-token", "order-1001", 1).send().await.unwrap();
    assert_eq!(other_amount.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let other_tenant = server.pay("carol-token", "order-1001", 1).send().await.unwrap();
    assert_eq!(other_tenant.status(), StatusCode::CREATED);
    let other_key = server.pay("alice-token", "order-1002", 4200).send().await.unwrap();
    assert_eq!(other_key.status(), StatusCode::CREATED);
    assert_eq!(server.charges("alice-token").await, 2);
    assert_eq!(server.charges("carol-token").await, 1);
}

#[tokio::test]
async fn a_rejected_request_does_not_use_the_key() {
    let server = Server::start();
    let stranger = server.pay("mallory-token", "order-1001", 4200).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    let no_json = server.pay("alice-token", "order-1001", 4200).body("{").send().await.unwrap();
    assert_eq!(no_json.status(), StatusCode::BAD_REQUEST);
    let first = server.pay("alice-token", "order-1001", 4200).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::CREATED);
    assert!(!replayed(&first));
}

#[tokio::test]
async fn a_stalled_client_does_not_block_the_shutdown() {
    let mut server = Server::start();
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stalled = TcpStream::connect(address).unwrap();
    let head = "POST /payments HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer alice-token\r\n\
        idempotency-key: k\r\ncontent-type: application/json\r\ncontent-length: 35\r\n\r\n";
    stalled.write_all(format!("{head}{{").as_bytes()).unwrap();
    // The server accepts connections in order: after this response it has accepted the stalled one.
    assert_eq!(server.charges("alice-token").await, 0);
    let id = server.process.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    assert!(server.exit_status().success());
}

#[tokio::test]
async fn two_servers_on_one_file_charge_once() {
    let directory = tempfile::tempdir().unwrap();
    two_servers_charge_once(&format!("sqlite:{}/payments.db", directory.path().display())).await;
}

#[tokio::test]
async fn a_restarted_server_replays() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}/payments.db", directory.path().display());
    let first = Server::start_with(&["--store", &store]);
    let charged = first.pay_on_store("alice-token", "order-1001", 4200).await;
    assert_eq!(charged.status(), StatusCode::CREATED);
    drop(first); // killed
    let second = Server::start_with(&["--store", &store]);
    let retry = second.pay_on_store("alice-token", "order-1001", 4200).await;
    assert!(replayed(&retry));
    assert_eq!(retry.bytes().await.unwrap(), charged.bytes().await.unwrap());
    assert_eq!(second.charges("alice-token").await, 0);
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn two_servers_on_one_redis_charge_once() {
    let redis = idem_testkit::servers::RedisServer::start(&[]);
    two_servers_charge_once(&redis.url()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn two_servers_on_one_postgres_charge_once() {
    let postgres = idem_testkit::servers::PostgresServer::start(&[]);
    two_servers_charge_once(&postgres.url()).await;
}

async fn two_servers_charge_once(store: &str) {
    let args = ["--store", store];
    let (one, two) = (Server::start_with(&args), Server::start_with(&args));
    let first = one.pay_on_store("alice-token", "order-1001", 4200).await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let retry = two.pay_on_store("alice-token", "order-1001", 4200).await;
    assert!(replayed(&retry));
    assert_eq!(retry.bytes().await.unwrap(), first.bytes().await.unwrap());
    assert_eq!((one.charges("alice-token").await, two.charges("alice-token").await), (1, 0));
}

/// Reads an endpoint that needs no token.
async fn get(server: &Server, path: &str) -> (StatusCode, String) {
    let response = Client::new().get(format!("{}{path}", server.url)).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_monitored_server_has_metrics_and_health() {
    let server = Server::start_with(&["--monitor"]);
    for _ in 0..2 {
        let paid = server.pay("alice-token", "order-1", 4200).send().await.unwrap();
        assert_eq!(paid.status(), StatusCode::CREATED);
    }
    let (status, health) = get(&server, "/health").await;
    assert_eq!(status, StatusCode::OK);
    assert!(health.contains("\"status\":\"pass\""), "{health}");
    let (_, metrics) = get(&server, "/metrics").await;
    for sample in [
        "idem_calls_total{operation=\"POST /payments\",outcome=\"executed\",result=\"success\"} 1",
        "idem_calls_total{operation=\"POST /payments\",outcome=\"replayed\",result=\"\"} 1",
        "idem_store_healthy{store=\"memory\"} 1",
    ] {
        assert!(metrics.contains(sample), "{sample}: {metrics}");
    }
    assert!(!metrics.contains("order-1"));
    let plain = Server::start();
    assert_eq!(get(&plain, "/metrics").await.0, StatusCode::NOT_FOUND);
}
