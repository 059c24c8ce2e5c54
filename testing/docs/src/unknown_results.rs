//! The guide's chapter on unknown outcomes: plain functions.

use idem_core::function::{Failure, Rejected};
use idem_core::{Execution, Idempotency, Recovery, idempotent};
use serde::{Deserialize, Serialize};

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("the provider did not answer")]
    NoAnswer,
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

impl Failure for OrderError {
    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::NoAnswer => None,
        }
    }
}

struct OrderPlaced {
    tenant: String,
    id: u64,
    amount: u64,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Receipt {
    charge: String,
    amount: u64,
}

/// Stands for the client of a payment provider.
struct Provider;

impl Provider {
    #[expect(clippy::unused_async, reason = "a real one is asynchronous")]
    async fn charge(&self, amount: u64, key: &str) -> Result<Receipt, OrderError> {
        Ok(Receipt { charge: key.to_owned(), amount })
    }

    #[expect(clippy::unused_async, reason = "a real one is asynchronous")]
    async fn find(&self, key: &str) -> Result<Option<Receipt>, OrderError> {
        if key.is_empty() { Err(OrderError::NoAnswer) } else { Ok(None) }
    }
}

#[idempotent(
    ttl = "7d",
    scope = "event.tenant",
    key = "event.id",
    guarantee = "at-most-once",
    recover = "find_receipt(provider, event)"
)]
async fn on_order_placed(
    idempotency: &Idempotency,
    event: &OrderPlaced,
    provider: &Provider,
) -> Result<Receipt, OrderError> {
    let key = Execution::current().downstream_key("charge");
    provider.charge(event.amount, key.as_str()).await
}

async fn find_receipt(provider: &Provider, event: &OrderPlaced) -> Recovery<Receipt> {
    let key = Execution::current().downstream_key("charge");
    match provider.find(key.as_str()).await {
        Ok(Some(receipt)) if receipt.amount != event.amount => {
            Recovery::Disputed(format!("{} charged, {} ordered", receipt.amount, event.amount))
        }
        Ok(Some(receipt)) => Recovery::Happened(receipt),
        Ok(None) => Recovery::NotHappened,
        Err(_) => Recovery::Inconclusive,
    }
}
