//! The contents of the span of each attempt. These tests have their own binary, because the subscriber
//! records the whole process.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use idem_client::{IdempotencyKey, IdempotencyMiddleware, IdempotentRequest, RetryPolicy};
use reqwest::{Client, Request, Response};
use reqwest_middleware::{ClientBuilder, Error, Middleware, Next};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// A marker that occurs in every secret value and nowhere else.
const PLANTED: &str = "planted-c0ffee";

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn subscribe() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(|| Log)
        .init();
}

/// Replaces the network: responds with 503, then never responds, then responds with 201.
#[derive(Default)]
struct Responses(AtomicU32);

#[async_trait]
impl Middleware for Responses {
    async fn handle(&self, _: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response, Error> {
        let response = http::Response::builder().header("x-secret", PLANTED);
        let response = match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => response.status(503),
            1 => std::future::pending().await,
            _ => response.status(201).header("idempotent-replayed", "true"),
        };
        Ok(response.body(PLANTED).unwrap().into())
    }
}

/// Makes three attempts with the marker in every value that could be secret.
async fn pay() {
    let policy = RetryPolicy::new().attempt_timeout(Duration::from_secs(5));
    let client =
        IdempotencyMiddleware::new().policy(policy).attach(ClientBuilder::new(Client::new()));
    let client = client.with(Responses::default()).build();
    let key = IdempotencyKey::new(PLANTED).unwrap();
    let url = format!("http://{PLANTED}:{PLANTED}@payments.test/payments?token={PLANTED}");
    let request = client.post(url).body(PLANTED).header("x-secret", PLANTED);
    assert!(request.idempotency_key(&key).send_idempotent().await.unwrap().is_replayed());
}

/// The fields of the attempts' spans, in the order in which the spans were closed.
fn attempts(log: &str) -> Vec<&str> {
    let fields = |line| str::split_once(line, "idempotent_attempt{")?.1.split_once("}: ");
    let closed = log.lines().filter(|line| line.contains(": close "));
    closed.filter_map(fields).map(|(fields, _)| fields).collect()
}

#[tokio::test(start_paused = true)]
async fn every_attempt_has_a_span_without_secrets() {
    subscribe();
    pay().await;
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let sent = r#"http.request.method=POST server.address="payments.test" server.port=80 url.path="/payments""#;
    assert_eq!(
        attempts(&log),
        [
            format!(r#"attempt=1 {sent} http.response.status_code=503 verdict="transient""#),
            format!(r#"attempt=2 {sent} error=timeout verdict="transient""#),
            format!(r#"attempt=3 {sent} http.response.status_code=201 verdict="replayed""#),
        ]
    );
    assert_eq!(log.matches("trying again after a pause").count(), 2);
    assert!(!log.contains(PLANTED), "{log}");
}
