//! A consumer of orders that charges once for each order, however often the broker delivers it.
//!
//! `cargo run -p orders-consumer` needs a NATS server with JetStream (`nats-server -js`). It places 100
//! orders, sends each of them up to three times, and consumes them until the stream is empty.
//!
//! With the feature `redis` or `postgres`, `--store` is the URL of a store. Any number of consumers with the same store
//! share the work.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use async_nats::Error;
use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{AckKind, Context, Message, stream};
use clap::Parser;
use futures_util::TryStreamExt;
use idem_core::function::{Disposition, Failure, Rejected, batch};
use idem_core::{
    Drained, Execution, Idempotency, IdempotencyBuilder, IdempotencyKey, MemoryStore, Outcome,
    idempotent,
};
use serde::{Deserialize, Serialize};

const ORDERS: u64 = 100;
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// Longer than a busy broker needs.
const BROKER_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize)]
struct OrderPlaced {
    tenant: String,
    id: u64,
    amount: u64,
}

#[derive(Serialize, Deserialize)]
struct Receipt {
    charge: u64,
}

/// Charges once for each order. A later delivery gets the receipt of the first one. If a run is repeated, the
/// provider recognizes the payment by its key.
#[idempotent(
    ttl = "7d",
    scope = "order.tenant",
    key = "order.id",
    guarantee = "at-least-once",
    fingerprint = "order",
    wait = "5s"
)]
async fn on_order_placed(
    idempotency: &Idempotency,
    order: &OrderPlaced,
    payments: &Payments,
) -> Result<Receipt, OrderError> {
    let key = Execution::current().downstream_key("charge");
    let charge = payments.charge(order, &key).await?;
    Ok(Receipt { charge })
}

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("the message is not an order: {0}")]
    NotAnOrder(#[from] serde_json::Error),
    #[error("the payment provider is down; no charge was sent")]
    ProviderDown,
    #[error("the payment provider did not respond; the charge may have been made")]
    NoResponse,
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

impl Failure for OrderError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::ProviderDown => Outcome::NotExecuted,
            Self::NotAnOrder(_) | Self::NoResponse | Self::Rejected(_) => Outcome::Ambiguous,
        }
    }

    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            _ => None,
        }
    }

    fn disposition(&self) -> Disposition {
        match self {
            Self::NotAnOrder(_) => Disposition::DeadLetter,
            Self::ProviderDown | Self::NoResponse => {
                Disposition::Redeliver { after: Duration::from_millis(100) }
            }
            Self::Rejected(rejected) => rejected.disposition(),
        }
    }
}

/// Simulates a payment provider that accepts keys: a stream of charges, in which NATS stores one message per
/// message id. One call in three fails, before or after the charge.
struct Payments(Context);

impl Payments {
    async fn charge(&self, order: &OrderPlaced, key: &IdempotencyKey) -> Result<u64, OrderError> {
        let luck = rand::random_range(0..6);
        if luck == 0 {
            return Err(OrderError::ProviderDown);
        }
        let amount = order.amount.to_string().into();
        let charge = PublishMessage::build().payload(amount).message_id(key.as_str());
        let receipt =
            self.0.send_publish("charges", charge).await.map_err(|_| OrderError::NoResponse)?;
        let receipt = receipt.await.map_err(|_| OrderError::NoResponse)?;
        if luck == 1 {
            return Err(OrderError::NoResponse);
        }
        Ok(receipt.sequence)
    }
}

/// A NATS consumer that charges once for each order
#[derive(Parser)]
struct Args {
    /// NATS server with JetStream
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222")]
    nats: String,
    /// Store of the keys: `redis://…` or `postgres://…`; in memory if omitted
    #[arg(long, env = "IDEM_STORE", hide_env_values = true)]
    store: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN).init();
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Args { nats, store: url }: Args) -> Result<(), Error> {
    let connection = async_nats::connect(&nats).await.map_err(|error| {
        format!("cannot connect to NATS at {nats}: {error}; start it with `nats-server -js`")
    })?;
    let mut broker = async_nats::jetstream::new(connection);
    broker.set_timeout(BROKER_TIMEOUT);
    let idempotency = store(url).await?.namespace("orders").build();

    let mut charges = stream_of(&broker, "charges").await?;
    let consumer = consumer(&broker).await?;
    let sent = place_orders(&broker).await?;
    let [acknowledged, redelivered, dead] = consume(&broker, &consumer, &idempotency).await?;
    if let Drained::GaveUp(runs) = idempotency.drain(Duration::from_secs(30)).await {
        return Err(format!("{runs} orders were still running after 30 s").into());
    }
    let charged = charges.info().await?.state.messages;
    println!("{ORDERS} orders in {sent} messages: {charged} charges");
    println!(
        "deliveries to this consumer: {acknowledged} acknowledged, {redelivered} redelivered, {dead} dead-lettered"
    );
    Ok(())
}

/// Handles deliveries until the stream is empty; a service would continue until it is stopped. Returns the
/// numbers of deliveries that were acknowledged, redelivered and dead-lettered.
async fn consume(
    broker: &Context,
    consumer: &Consumer<pull::Config>,
    idempotency: &Idempotency,
) -> Result<[usize; 3], Error> {
    let payments = Payments(broker.clone());
    let mut counts = [0; 3];
    while is_busy(consumer).await? {
        let messages = consumer.batch().max_messages(64).expires(Duration::from_millis(500));
        let messages: Vec<_> = messages.messages().await?.try_collect().await?;
        let handle = async |message: &Message| {
            let order = serde_json::from_slice(&message.payload)?;
            on_order_placed(idempotency, &order, &payments).await
        };
        let dispositions = batch(&messages, CONCURRENCY, handle).await;
        for (message, disposition) in messages.iter().zip(dispositions) {
            counts[settle(broker, message, disposition).await?] += 1;
        }
    }
    Ok(counts)
}

async fn settle(
    broker: &Context,
    message: &Message,
    disposition: Disposition,
) -> Result<usize, Error> {
    let (index, kind) = match disposition {
        Disposition::Acknowledge => (0, AckKind::Ack),
        Disposition::Redeliver { after } => (1, AckKind::Nak(Some(after))),
        // `DeadLetter`, and any other disposition of a later version: a person must look at it.
        _ => {
            broker.publish("dead-letters", message.payload.clone()).await?.await?;
            (2, AckKind::Term)
        }
    };
    message.ack_with(kind).await?;
    Ok(index)
}

async fn is_busy(consumer: &Consumer<pull::Config>) -> Result<bool, Error> {
    let info = consumer.get_info().await?;
    Ok(info.num_pending > 0 || info.num_ack_pending > 0)
}

/// Sends every order one to three times, as a producer with retries would, and one message that is not an
/// order. Returns the number of messages.
async fn place_orders(broker: &Context) -> Result<u64, Error> {
    let mut sent = 1;
    broker.publish("orders", "not an order".into()).await?.await?;
    for id in 0..ORDERS {
        let order = OrderPlaced { tenant: "acme".to_owned(), id, amount: 100 + id };
        let order = serde_json::to_vec(&order)?;
        for _ in 0..rand::random_range(1..=3) {
            broker.publish("orders", order.clone().into()).await?.await?;
            sent += 1;
        }
    }
    Ok(sent)
}

async fn consumer(broker: &Context) -> Result<Consumer<pull::Config>, Error> {
    stream_of(broker, "dead-letters").await?;
    let orders = stream_of(broker, "orders").await?;
    let config = pull::Config {
        durable_name: Some("charger".to_owned()),
        // Longer than a whole batch can take.
        ack_wait: Duration::from_secs(60),
        ..pull::Config::default()
    };
    Ok(orders.get_or_create_consumer("charger", config).await?)
}

async fn stream_of(broker: &Context, subject: &str) -> Result<stream::Stream, Error> {
    let config = stream::Config {
        name: subject.to_owned(),
        subjects: vec![subject.to_owned()],
        ..stream::Config::default()
    };
    match broker.get_or_create_stream(config).await {
        Ok(stream) => Ok(stream),
        // Another consumer may have created it at the same time.
        Err(error) => broker.get_stream(subject).await.map_err(|_| error.into()),
    }
}

async fn store(url: Option<String>) -> Result<IdempotencyBuilder, Error> {
    let Some(url) = url else {
        return Ok(Idempotency::builder(MemoryStore::new()));
    };
    match url.as_str() {
        #[cfg(feature = "redis")]
        url if url.starts_with("redis") => {
            Ok(Idempotency::builder(idem_redis::RedisStore::connect(url).await?))
        }
        #[cfg(feature = "postgres")]
        url if url.starts_with("postgres") => {
            Ok(Idempotency::builder(idem_postgres::PostgresStore::connect(url).await?))
        }
        _ => Err("unsupported store URL; use `redis://…` with `--features redis`, or `postgres://…` with `--features postgres`".into()),
    }
}
