//! What a trace tells of each attempt, and what it never tells. A program of its own, because it listens to
//! all of its process.

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

/// Part of everything that is secret, and of nothing else.
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

fn listen() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(|| Log)
        .init();
}

/// In place of the network: says no, says nothing, and then says yes.
#[derive(Default)]
struct Answers(AtomicU32);

#[async_trait]
impl Middleware for Answers {
    async fn handle(&self, _: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response, Error> {
        let answer = http::Response::builder().header("x-secret", PLANTED);
        let answer = match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => answer.status(503),
            1 => std::future::pending().await,
            _ => answer.status(201).header("idempotent-replayed", "true"),
        };
        Ok(answer.body(PLANTED).unwrap().into())
    }
}

/// Three attempts, of which everything that could be secret is marked.
async fn pay() {
    let policy = RetryPolicy::new().attempt_timeout(Duration::from_secs(5));
    let client =
        IdempotencyMiddleware::new().policy(policy).attach(ClientBuilder::new(Client::new()));
    let client = client.with(Answers::default()).build();
    let key = IdempotencyKey::new(PLANTED).unwrap();
    let url = format!("http://{PLANTED}:{PLANTED}@payments.test/payments?token={PLANTED}");
    let request = client.post(url).body(PLANTED).header("x-secret", PLANTED);
    assert!(request.idempotency_key(&key).send_idempotent().await.unwrap().is_replayed());
}

/// The fields of the attempts, in the order in which they ended.
fn attempts(heard: &str) -> Vec<&str> {
    let fields = |line| str::split_once(line, "idempotent_attempt{")?.1.split_once("}: ");
    let closed = heard.lines().filter(|line| line.contains(": close "));
    closed.filter_map(fields).map(|(fields, _)| fields).collect()
}

#[tokio::test(start_paused = true)]
async fn every_attempt_has_a_span_that_keeps_secrets() {
    listen();
    pay().await;
    let heard = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let sent = r#"http.request.method=POST server.address="payments.test" server.port=80 url.path="/payments""#;
    assert_eq!(
        attempts(&heard),
        [
            format!(r#"attempt=1 {sent} http.response.status_code=503 verdict="transient""#),
            format!(r#"attempt=2 {sent} error=timeout verdict="transient""#),
            format!(r#"attempt=3 {sent} http.response.status_code=201 verdict="replayed""#),
        ]
    );
    assert_eq!(heard.matches("trying again after a pause").count(), 2);
    assert!(!heard.contains(PLANTED), "{heard}");
}
