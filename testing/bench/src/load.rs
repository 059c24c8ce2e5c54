//! A closed-loop load: each connection sends its next request after the response to the last one.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// The choice of keys.
#[derive(Clone, Copy, Debug)]
pub enum Keys {
    /// Every request has a new key.
    Fresh,
    /// All requests of a connection share a key, so every request except the first is a replay.
    Repeated,
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

/// Keeps the load on this thread awake until the handle is dropped. The load must have its own core.
///
/// On virtual cores, waking a sleeping load costs the server several microseconds. Only a server that is slower
/// than the load pays them, which would distort the ratios.
pub fn stay_awake() -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    }))
}

/// Sends payments to `address` over `connections` connections for `duration`. Keys begin with `prefix`.
///
/// # Errors
/// If a connection fails or a response is not 201.
pub async fn run(
    address: &str,
    connections: usize,
    duration: Duration,
    keys: Keys,
    prefix: &str,
) -> anyhow::Result<Measurements> {
    let until = Instant::now() + duration;
    let mut tasks = JoinSet::new();
    for connection in 0..connections {
        let address = address.to_owned();
        let prefix = format!("{prefix}-{connection}");
        tasks.spawn(async move { send(&address, until, keys, &prefix).await });
    }
    let mut counted = Measurements::default();
    while let Some(latencies) = tasks.join_next().await {
        counted.latencies.extend(latencies??);
    }
    Ok(counted)
}

async fn send(
    address: &str,
    until: Instant,
    keys: Keys,
    prefix: &str,
) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let body = format!(r#"{{"amount":4200,"currency":"EUR","note":"{}"}}"#, "n".repeat(980));
    let (mut latencies, mut buffer) = (Vec::new(), Vec::with_capacity(4096));
    for number in 0.. {
        let number = match keys {
            Keys::Fresh => number,
            Keys::Repeated => 0,
        };
        let request = format!(
            "POST /payments HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nidempotency-key: {prefix}-{number}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len(),
        );
        let sent = Instant::now();
        if sent >= until {
            break;
        }
        stream.write_all(request.as_bytes()).await?;
        receive(&mut stream, &mut buffer).await?;
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

/// Reads one response.
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
    buffer.clear();
    loop {
        if let Some(len) = response_len(buffer)?
            && buffer.len() >= len
        {
            return Ok(());
        }
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
    }
}

/// Returns the length of the response at the start of `buffer`, once its head is complete.
fn response_len(buffer: &[u8]) -> anyhow::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(buffer)? else {
        return Ok(None);
    };
    if response.code != Some(201) {
        bail!("expected status 201, got {:?}", response.code);
    }
    let length =
        response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.context("a response without Content-Length")?;
    Ok(Some(head + std::str::from_utf8(length.value)?.parse::<usize>()?))
}
