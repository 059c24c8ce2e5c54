//! A consumer process: two consumers that share an `Idempotency`. Each has a connection to the broker, which
//! is also the provider.
//!
//! | Direction | Lines |
//! |---|---|
//! | from the broker | `deliver <delivery> <message>`, `charged <call>` |
//! | to the broker | `charge <call> <message> <key>`, `settle <delivery> ack`, `settle <delivery> later <milliseconds>`, `settle <delivery> dead <slug>` |

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex};

use idem_core::function::{Disposition, Failure, Rejected};
use idem_core::{Execution, Idempotency, idempotent};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{mpsc, oneshot};

use crate::harness;

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

/// Consumes until the broker closes the connections.
pub(crate) async fn run() {
    let var =
        |name: &str| env::var(name).expect("the tests start this process and set its variables");
    let store = harness::builder().connect(&var("IDEM_TEST_REDIS")).await.unwrap();
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

async fn consume(address: String, idempotency: Idempotency, guarantee: Guarantee) {
    let (read, write) = TcpStream::connect(address).await.unwrap().into_split();
    let broker = Connection::new(write);
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["deliver", delivery, message] => {
                let (delivery, message) = (delivery.to_owned(), message.parse().unwrap());
                let (idempotency, broker) = (idempotency.clone(), broker.clone());
                tokio::spawn(async move {
                    let settled = settle(&idempotency, guarantee, message, &broker).await;
                    broker.send(format!("settle {delivery} {settled}\n"));
                });
            }
            ["charged", call] => broker.charged(call.parse().unwrap()),
            _ => panic!("{line}"),
        }
    }
}

async fn settle(
    idempotency: &Idempotency,
    guarantee: Guarantee,
    message: u64,
    broker: &Connection,
) -> String {
    let result = match guarantee {
        Guarantee::AtLeastOnce => charge_again(idempotency, message, broker).await,
        _ => charge_once(idempotency, message, broker).await,
    };
    match (Disposition::of(&result), result) {
        (Disposition::Acknowledge, Ok(())) => "ack".to_owned(),
        (Disposition::Redeliver { after }, _) => format!("later {}", after.as_millis()),
        (_, Err(Error(rejected))) => format!("dead {}", rejected.rejection().slug()),
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
async fn charge_again(
    idempotency: &Idempotency,
    message: u64,
    broker: &Connection,
) -> Result<(), Error> {
    broker.charge(message).await;
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
async fn charge_once(
    idempotency: &Idempotency,
    message: u64,
    broker: &Connection,
) -> Result<(), Error> {
    broker.charge(message).await;
    Ok(())
}

#[derive(Debug)]
struct Error(Rejected);

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self(rejected)
    }
}

impl Failure for Error {
    fn rejected(&self) -> Option<&Rejected> {
        Some(&self.0)
    }
}

/// The connection to the broker and the provider.
#[derive(Clone)]
struct Connection(Arc<Inner>);

struct Inner {
    out: mpsc::UnboundedSender<String>,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    made: u64,
    waiting: HashMap<u64, oneshot::Sender<()>>,
}

impl Connection {
    fn new(write: OwnedWriteHalf) -> Self {
        let (out, lines) = mpsc::unbounded_channel();
        tokio::spawn(write_all(write, lines));
        Self(Arc::new(Inner { out, calls: Mutex::default() }))
    }

    fn send(&self, line: String) {
        // This fails only if the broker has ended, and the test with it.
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
        // A run that lost its lease no longer waits.
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
