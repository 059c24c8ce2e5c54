//! A consumer of orders that charges once for each order, however often the broker delivers it.
//!
//! `cargo run -p orders-consumer` needs a NATS server with JetStream (`nats-server -js`). It places 100
//! orders, sends each of them up to three times, and consumes them until nothing is left. The URL of the
//! server can be given as the first argument, and with `--features redis` or `--features postgres` the URL
//! of a store as the second: then any number of these consumers share the work.

use std::num::NonZeroUsize;
use std::time::Duration;

use async_nats::Error;
use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{AckKind, Context, Message, stream};
use futures_util::TryStreamExt;
use idem_core::function::{Disposition, Failure, Rejected, batch};
use idem_core::{
    Drained, Execution, Idempotency, IdempotencyBuilder, IdempotencyKey, MemoryStore, Outcome,
    idempotent,
};
use serde::{Deserialize, Serialize};

const ORDERS: u64 = 100;
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).unwrap();

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

/// Charges once for each order. A later delivery gets the receipt of the first; where a run has to be
/// repeated, the provider knows the payment by its key.
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
    #[error("this is no order: {0}")]
    NotAnOrder(#[from] serde_json::Error),
    #[error("the provider is down, and nothing was sent to it")]
    ProviderDown,
    #[error("the provider did not answer")]
    NoAnswer,
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

impl Failure for OrderError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::ProviderDown => Outcome::NotExecuted,
            Self::NotAnOrder(_) | Self::NoAnswer | Self::Rejected(_) => Outcome::Ambiguous,
        }
    }

    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(refused) => Some(refused),
            _ => None,
        }
    }

    fn disposition(&self) -> Disposition {
        match self {
            Self::NotAnOrder(_) => Disposition::DeadLetter,
            Self::ProviderDown | Self::NoAnswer => {
                Disposition::Redeliver { after: Duration::from_millis(100) }
            }
            Self::Rejected(refused) => refused.disposition(),
        }
    }
}

/// Stands for a payment provider that takes keys: a stream of charges, of which NATS keeps one for each
/// message id. Every third call fails, before or after it charged.
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
            self.0.send_publish("charges", charge).await.map_err(|_| OrderError::NoAnswer)?;
        let receipt = receipt.await.map_err(|_| OrderError::NoAnswer)?;
        if luck == 1 {
            return Err(OrderError::NoAnswer);
        }
        Ok(receipt.sequence)
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN).init();
    let url = std::env::args().nth(1).unwrap_or_else(|| "nats://127.0.0.1:4222".to_owned());
    let broker = async_nats::jetstream::new(async_nats::connect(url).await?);
    let idempotency = store(std::env::args().nth(2)).await?.namespace("orders").build();

    let mut charges = stream_of(&broker, "charges").await?;
    let consumer = consumer(&broker).await?;
    let sent = place_orders(&broker).await?;
    let [acted_on, again, dead] = consume(&broker, &consumer, &idempotency).await?;
    if let Drained::GaveUp(runs) = idempotency.drain(Duration::from_secs(30)).await {
        return Err(format!("{runs} orders were cut off").into());
    }
    let charged = charges.info().await?.state.messages;
    println!("{ORDERS} orders in {sent} messages: {charged} charges");
    println!("deliveries here: {acted_on} acknowledged, {again} redelivered, {dead} dead-lettered");
    Ok(())
}

/// Handles what the broker delivers until it has nothing left; a service would go on until it is told to
/// stop. Counts the deliveries that were acknowledged, redelivered and dead-lettered.
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
        let settled = batch(&messages, AT_ONCE, handle).await;
        for (message, disposition) in messages.iter().zip(settled) {
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
    let (place, kind) = match disposition {
        Disposition::Acknowledge => (0, AckKind::Ack),
        Disposition::Redeliver { after } => (1, AckKind::Nak(Some(after))),
        Disposition::DeadLetter => {
            broker.publish("dead-letters", message.payload.clone()).await?.await?;
            (2, AckKind::Term)
        }
    };
    message.ack_with(kind).await?;
    Ok(place)
}

async fn is_busy(consumer: &Consumer<pull::Config>) -> Result<bool, Error> {
    let info = consumer.get_info().await?;
    Ok(info.num_pending > 0 || info.num_ack_pending > 0)
}

/// Sends every order one to three times, as a producer that retries would, and something that is none.
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
        // More than a whole batch can take.
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
    Ok(broker.get_or_create_stream(config).await?)
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
        _ => Err("no store for this URL; add `--features redis` or `postgres`".into()),
    }
}
