//! The program in the README of `idem-core`.

use idem_core::function::{Failure, Rejected};
use idem_core::{Idempotency, MemoryStore, idempotent};

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct OrderError(#[from] Rejected);

impl Failure for OrderError {
    fn rejected(&self) -> Option<&Rejected> {
        Some(&self.0)
    }
}

#[idempotent(ttl = "7d", scope = "tenant", key = "order", guarantee = "at-most-once")]
async fn charge(idempotency: &Idempotency, tenant: &str, order: u64) -> Result<String, OrderError> {
    println!("charging order {order} of {tenant}");
    Ok(format!("receipt of order {order}"))
}

#[tokio::main]
async fn main() -> Result<(), OrderError> {
    let idempotency = Idempotency::new(MemoryStore::new());
    let first = charge(&idempotency, "acme", 1001).await?;
    let second = charge(&idempotency, "acme", 1001).await?; // the body does not run
    assert_eq!(first, second);
    Ok(())
}
