//! A consumer process: two consumers that share a handle, each with a connection to the broker, which also
//! stands for the provider.
//!
//! Lines come: `deliver <delivery> <message>` and `charged <call>`. Lines go: `charge <call> <message> <key>`
//! and `settle <delivery> ack`, `… later <milliseconds>` or `… dead <why>`.

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex};

use idem_core::function::{Disposition, Failure, Rejected};
use idem_core::{Execution, Idempotency, idempotent};
use idem_redis::RedisStore;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{mpsc, oneshot};

const CONSUMERS: usize = 2;

#[derive(Clone, Copy)]
pub(crate) enum Guarantee {
    AtLeastOnce,
    AtMostOnce,
}

impl Guarantee {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at-least-once",
            Self::AtMostOnce => "at-most-once",
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "at-least-once" => Self::AtLeastOnce,
            "at-most-once" => Self::AtMostOnce,
            _ => panic!("{name}"),
        }
    }
}

/// Consumes until the broker is gone.
pub(crate) async fn run() {
    let var = |name: &str| env::var(name).expect("started by the tests, not by hand");
    let store = RedisStore::connect(&var("IDEM_TEST_REDIS")).await.unwrap();
    let idempotency = Idempotency::new(store);
    let guarantee = Guarantee::named(&var("IDEM_TEST_GUARANTEE"));
    let broker = var("IDEM_TEST_BROKER");
    let consumers: Vec<_> = (0..CONSUMERS)
        .map(|_| tokio::spawn(consume(broker.clone(), idempotency.clone(), guarantee)))
        .collect();
    for consumer in consumers {
        consumer.await.unwrap();
    }
}

async fn consume(broker: String, idempotency: Idempotency, guarantee: Guarantee) {
    let (read, write) = TcpStream::connect(broker).await.unwrap().into_split();
    let wire = Wire::new(write);
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["deliver", delivery, message] => {
                let (delivery, message) = (delivery.to_owned(), message.parse().unwrap());
                let (idempotency, wire) = (idempotency.clone(), wire.clone());
                tokio::spawn(async move {
                    let settled = settle(&idempotency, guarantee, message, &wire).await;
                    wire.send(format!("settle {delivery} {settled}\n"));
                });
            }
            ["charged", call] => wire.charged(call.parse().unwrap()),
            _ => panic!("{line}"),
        }
    }
}

async fn settle(
    idempotency: &Idempotency,
    guarantee: Guarantee,
    message: u64,
    wire: &Wire,
) -> String {
    let result = match guarantee {
        Guarantee::AtLeastOnce => charge_again(idempotency, message, wire).await,
        Guarantee::AtMostOnce => charge_once(idempotency, message, wire).await,
    };
    match (Disposition::of(&result), result) {
        (Disposition::Acknowledge, Ok(())) => "ack".to_owned(),
        (Disposition::Redeliver { after }, _) => format!("later {}", after.as_millis()),
        (_, Err(Error(refused))) => format!("dead {}", refused.rejection().slug()),
        (disposition, Ok(())) => unreachable!("{disposition:?}"),
    }
}

#[idempotent(
    ttl = "1h",
    scope = "global",
    operation = "charge",
    key = "message",
    guarantee = "at-least-once",
    lease = "1s",
    max_attempts = 1000
)]
async fn charge_again(idempotency: &Idempotency, message: u64, wire: &Wire) -> Result<(), Error> {
    wire.charge(message).await;
    Ok(())
}

#[idempotent(
    ttl = "1h",
    scope = "global",
    operation = "charge",
    key = "message",
    guarantee = "at-most-once",
    lease = "1s"
)]
async fn charge_once(idempotency: &Idempotency, message: u64, wire: &Wire) -> Result<(), Error> {
    wire.charge(message).await;
    Ok(())
}

#[derive(Debug)]
struct Error(Rejected);

impl From<Rejected> for Error {
    fn from(refused: Rejected) -> Self {
        Self(refused)
    }
}

impl Failure for Error {
    fn rejected(&self) -> Option<&Rejected> {
        Some(&self.0)
    }
}

/// The connection to the broker and the provider.
#[derive(Clone)]
struct Wire(Arc<Ends>);

struct Ends {
    out: mpsc::UnboundedSender<String>,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    made: u64,
    waiting: HashMap<u64, oneshot::Sender<()>>,
}

impl Wire {
    fn new(write: OwnedWriteHalf) -> Self {
        let (out, lines) = mpsc::unbounded_channel();
        tokio::spawn(write_all(write, lines));
        Self(Arc::new(Ends { out, calls: Mutex::default() }))
    }

    fn send(&self, line: String) {
        // The broker is gone where this fails, and with it the test.
        drop(self.0.out.send(line));
    }

    /// Charges, under the key of the current execution, and waits for the receipt.
    async fn charge(&self, message: u64) {
        let key = Execution::current().downstream_key("charge");
        let (charged, receipt) = oneshot::channel();
        let call = {
            let mut calls = self.0.calls.lock().unwrap();
            calls.made += 1;
            let call = calls.made;
            calls.waiting.insert(call, charged);
            call
        };
        self.send(format!("charge {call} {message} {}\n", key.as_str()));
        receipt.await.unwrap();
    }

    fn charged(&self, call: u64) {
        let waiting = self.0.calls.lock().unwrap().waiting.remove(&call);
        // A run that lost its lease does not wait any more.
        let _late = waiting.unwrap().send(());
    }
}

pub(crate) async fn write_all(
    mut write: OwnedWriteHalf,
    mut lines: mpsc::UnboundedReceiver<String>,
) {
    while let Some(line) = lines.recv().await {
        if write.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}
