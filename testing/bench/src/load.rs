//! Closed-loop load: so many connections, each sending its next request when the last is answered.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// How the keys of the requests are chosen.
#[derive(Clone, Copy, Debug)]
pub enum Keys {
    /// Every request has a new one.
    Fresh,
    /// All requests of a connection share one, so that every request but its first is a replay.
    Repeated,
}

/// What a run of load counted.
#[derive(Debug, Default)]
pub struct Counted {
    /// How long each request took.
    pub latencies: Vec<Duration>,
}

impl Counted {
    /// The latency that `share` of the requests did not exceed.
    pub fn percentile(&mut self, share: f64) -> Duration {
        self.latencies.sort_unstable();
        let rank = (self.latencies.len() as f64 * share) as usize;
        self.latencies
            .get(rank.min(self.latencies.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }
}

/// Keeps this thread's load from ever sleeping, until the handle is dropped; for a load that has its core
/// to itself. Waking it costs a server several microseconds where cores are virtual, and only a server
/// that is slower than the load would pay them: ratios would tell who waits for whom.
pub fn stay_awake() -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    }))
}

/// Sends payments to `address` over `connections` for `duration`. Keys begin with `prefix`.
///
/// # Errors
/// If a connection breaks or an answer is not 201.
pub async fn run(
    address: &str,
    connections: usize,
    duration: Duration,
    keys: Keys,
    prefix: &str,
) -> anyhow::Result<Counted> {
    let until = Instant::now() + duration;
    let mut tasks = JoinSet::new();
    for connection in 0..connections {
        let address = address.to_owned();
        let prefix = format!("{prefix}-{connection}");
        tasks.spawn(async move { send(&address, until, keys, &prefix).await });
    }
    let mut counted = Counted::default();
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

/// Reads one answer.
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
    buffer.clear();
    loop {
        if let Some(len) = answer_len(buffer)?
            && buffer.len() >= len
        {
            return Ok(());
        }
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
    }
}

/// How long the answer at the start of `buffer` is, once its head is there.
fn answer_len(buffer: &[u8]) -> anyhow::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = answer.parse(buffer)? else {
        return Ok(None);
    };
    if answer.code != Some(201) {
        bail!("the server answered {:?}", answer.code);
    }
    let length =
        answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.context("an answer without a length")?;
    Ok(Some(head + std::str::from_utf8(length.value)?.parse::<usize>()?))
}
