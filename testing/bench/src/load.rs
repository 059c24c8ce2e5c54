//! A closed-loop load: each connection sends its next request after the response to the last one.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// A request body.
const PAYMENT: &str = r#"{"amount":4200,"currency":"EUR","note":"NOTE"}"#;

/// The longest time in which a server stores its keys.
const MAX_FILL: Duration = Duration::from_secs(120);

/// The requests of a load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The number of connections.
    pub connections: usize,
    /// The choice of keys.
    pub keys: Keys,
    /// The size of a request body and of a response body, in bytes.
    pub body: usize,
}

/// The choice of keys.
#[derive(Clone, Copy, Debug)]
pub enum Keys {
    /// Every request has a new key.
    Fresh,
    /// Each connection has its own keys, this many, and repeats them in their order.
    Repeated(usize),
}

/// The measurements of a load run.
#[derive(Debug, Default)]
pub struct Measurements {
    /// The latency of each request.
    pub latencies: Vec<Duration>,
}

impl Measurements {
    /// Returns the latency that the given share of the requests did not exceed.
    pub fn percentile(&mut self, share: f64) -> Duration {
        self.latencies.sort_unstable();
        let rank = (self.latencies.len() as f64 * share) as usize;
        self.latencies
            .get(rank.min(self.latencies.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }
}

/// Keeps the load on this thread awake until the handle is dropped. The load then polls its sockets without a pause.
///
/// On virtual cores, waking a sleeping load costs the server several microseconds. Only a server that is slower
/// than the load pays them, which would distort the ratios. A database on the same core runs whenever it has work.
pub fn stay_awake() -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async {
        loop {
            std::thread::yield_now();
            tokio::task::yield_now().await;
        }
    }))
}

/// The end of a load.
#[derive(Clone, Copy)]
struct Limit {
    until: Instant,
    /// The number of requests of each connection.
    requests: usize,
}

impl Load {
    /// Creates a load with 32 connections and 1 KiB.
    pub fn new(keys: Keys) -> Self {
        Self { connections: 32, keys, body: 1024 }
    }

    /// Sends payments to `address` for `duration`. Keys begin with `prefix`.
    ///
    /// # Errors
    /// If a connection fails or a response is not 201.
    pub async fn run(
        self,
        address: &str,
        duration: Duration,
        prefix: &str,
    ) -> anyhow::Result<Measurements> {
        let limit = Limit { until: Instant::now() + duration, requests: usize::MAX };
        self.send(address, limit, prefix).await
    }

    /// Sends one payment for each repeated key, so that later requests with the same prefix are replays.
    ///
    /// # Errors
    /// Like [`run`](Self::run).
    pub async fn fill(self, address: &str, prefix: &str) -> anyhow::Result<()> {
        if let Keys::Repeated(requests) = self.keys {
            self.send(address, Limit { until: Instant::now() + MAX_FILL, requests }, prefix)
                .await?;
        }
        Ok(())
    }

    /// Sends the first payment of the first connection, and returns whether its response is a replay.
    ///
    /// # Errors
    /// Like [`run`](Self::run).
    pub async fn is_replayed(self, address: &str, prefix: &str) -> anyhow::Result<bool> {
        let mut stream = TcpStream::connect(address).await.context("cannot connect")?;
        let request = self.request(&format!("{prefix}-0"), 0, &self.payment());
        stream.write_all(request.as_bytes()).await?;
        receive(&mut stream, &mut Vec::new()).await
    }

    async fn send(self, address: &str, limit: Limit, prefix: &str) -> anyhow::Result<Measurements> {
        let mut tasks = JoinSet::new();
        for connection in 0..self.connections {
            let (address, prefix) = (address.to_owned(), format!("{prefix}-{connection}"));
            tasks.spawn(async move { self.send_on_one(&address, limit, &prefix).await });
        }
        let mut counted = Measurements::default();
        while let Some(latencies) = tasks.join_next().await {
            counted.latencies.extend(latencies??);
        }
        Ok(counted)
    }

    async fn send_on_one(
        self,
        address: &str,
        limit: Limit,
        prefix: &str,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let body = self.payment();
        let (mut latencies, mut buffer) = (Vec::new(), Vec::with_capacity(self.body + 1024));
        for number in 0..limit.requests {
            let request = self.request(prefix, number, &body);
            let sent = Instant::now();
            if sent >= limit.until {
                break;
            }
            stream.write_all(request.as_bytes()).await?;
            receive(&mut stream, &mut buffer).await?;
            latencies.push(sent.elapsed());
        }
        Ok(latencies)
    }

    fn payment(self) -> String {
        PAYMENT.replace("NOTE", &"n".repeat(self.body.saturating_sub(PAYMENT.len())))
    }

    fn request(self, prefix: &str, number: usize, body: &str) -> String {
        let number = match self.keys {
            Keys::Fresh => number,
            Keys::Repeated(keys) => number % keys,
        };
        format!(
            "POST /payments HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nidempotency-key: {prefix}-{number}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len(),
        )
    }
}

/// Reads one response, and returns whether it is a replay.
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<bool> {
    buffer.clear();
    loop {
        if let Some(head) = head(buffer)?
            && buffer.len() >= head.response_len
        {
            return Ok(head.is_replay);
        }
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
    }
}

/// The head of a response.
struct Head {
    /// The length of the whole response.
    response_len: usize,
    is_replay: bool,
}

/// Reads the head of the response at the start of `buffer`, once it is complete.
fn head(buffer: &[u8]) -> anyhow::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(buffer)? else {
        return Ok(None);
    };
    if response.code != Some(201) {
        bail!("expected status 201, got {:?}", response.code);
    }
    let mut headers = response.headers.iter();
    let value = |name| move |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
    let length = headers.clone().find(value("content-length"));
    let length = length.context("a response without Content-Length")?;
    let response_len = head + std::str::from_utf8(length.value)?.parse::<usize>()?;
    Ok(Some(Head {
        response_len,
        is_replay: headers.any(|header| value("idempotent-replayed")(&header)),
    }))
}
