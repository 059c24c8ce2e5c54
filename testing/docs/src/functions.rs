//! The guide's chapter on queue consumers.

use std::num::NonZeroUsize;
use std::sync::Arc;

use idem_axum::postgres::{Tx, sqlx};
use idem_core::function::{Disposition, Failure, Rejected, batch};
use idem_core::{Execution, Idempotency, IdempotencyKey, Outcome, idempotent};
use serde::{Deserialize, Serialize};

/// Stands for a payment provider.
#[derive(Default)]
struct Provider(std::sync::atomic::AtomicUsize);

impl Provider {
    #[expect(clippy::unused_async, reason = "a real one is asynchronous")]
    async fn charge(&self, amount: u64, key: &str) -> Result<String, OrderError> {
        let charges = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        Ok(format!("charge {charges} of {amount} under {key}"))
    }
}

#[derive(Serialize)]
struct OrderPlaced {
    tenant: String,
    id: u64,
    amount: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Receipt {
    charge: String,
}

#[idempotent(
    ttl = "7d",
    scope = "event.tenant",
    key = "event.id",
    guarantee = "at-least-once",
    fingerprint = "event"
)]
async fn on_order_placed(
    idempotency: &Idempotency,
    event: &OrderPlaced,
    provider: &Provider,
) -> Result<Receipt, OrderError> {
    let key = Execution::current().downstream_key("charge");
    let charge = provider.charge(event.amount, key.as_str()).await?;
    Ok(Receipt { charge })
}

async fn deliver_twice(idempotency: &Idempotency, provider: &Provider) -> Result<(), OrderError> {
    let event = OrderPlaced { tenant: "acme".to_owned(), id: 1001, amount: 42 };
    let first = on_order_placed(idempotency, &event, provider).await?;
    let second = on_order_placed(idempotency, &event, provider).await?; // the body does not run
    assert_eq!(second, first);
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("the provider is down; nothing was sent to it")]
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
            Self::NoAnswer | Self::Rejected(_) => Outcome::Ambiguous,
        }
    }

    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::ProviderDown | Self::NoAnswer => None,
        }
    }
}

async fn handle_batch(
    idempotency: &Idempotency,
    provider: &Provider,
    events: &[OrderPlaced],
) -> Vec<Disposition> {
    let concurrency = NonZeroUsize::new(16).unwrap();
    let handle = async |event: &OrderPlaced| on_order_placed(idempotency, event, provider).await;
    batch(events, concurrency, handle).await
}

#[idempotent(ttl = "7d", scope = "tenant", key = "key", guarantee = "at-least-once")]
async fn send_receipt(
    idempotency: &Idempotency,
    tenant: &str,
    key: IdempotencyKey,
) -> Result<(), OrderError> {
    println!("sending the receipt of {tenant}");
    Ok(())
}

#[idempotent(ttl = "7d", scope = "event.tenant", key = "event.id")]
async fn book_order(
    idempotency: &Idempotency,
    mut tx: Tx,
    event: &OrderPlaced,
) -> Result<(), OrderError> {
    let booking = sqlx::query("INSERT INTO booking (cents) VALUES ($1)").bind(event.amount as i64);
    booking.execute(&mut *tx).await.map_err(|_| OrderError::NoAnswer)?;
    Ok(())
}

async fn on_booking(idempotency: &Idempotency, event: &OrderPlaced) -> Result<(), OrderError> {
    book_order(idempotency, Tx::default(), event).await
}

async fn on_message(idempotency: &Idempotency, provider: Arc<Provider>, event: OrderPlaced) {
    let idempotency = idempotency.clone();
    let call = async move { on_order_placed(&idempotency, &event, &provider).await };
    let result = tokio::spawn(call).await;
    println!("{result:?}");
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use idem_core::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_redelivered_event_charges_once() {
        let (idempotency, provider) = (Idempotency::new(MemoryStore::new()), Provider::default());
        deliver_twice(&idempotency, &provider).await.unwrap();
        assert_eq!(provider.0.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_batch_yields_one_disposition_for_each_event() {
        let (idempotency, provider) = (Idempotency::new(MemoryStore::new()), Provider::default());
        let event = |id| OrderPlaced { tenant: "acme".to_owned(), id, amount: 42 };
        let settled = handle_batch(&idempotency, &provider, &[event(1), event(2), event(1)]).await;
        assert_eq!(settled, [Disposition::Acknowledge; 3]);
        assert_eq!(provider.0.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_nested_call_and_a_spawned_one_run() {
        let idempotency = Idempotency::new(MemoryStore::new());
        let key = IdempotencyKey::new("receipt-1001").unwrap();
        send_receipt(&idempotency, "acme", key).await.unwrap();
        let provider = Arc::new(Provider::default());
        let event = OrderPlaced { tenant: "acme".to_owned(), id: 1001, amount: 42 };
        on_message(&idempotency, Arc::clone(&provider), event).await;
        assert_eq!(provider.0.load(Ordering::Relaxed), 1);
    }
}
