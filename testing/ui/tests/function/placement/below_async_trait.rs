use idem_core::{Idempotency, idempotent};

use idem_core::function::{Failure, Rejected};

#[derive(Debug)]
struct OrderError(Rejected);

impl From<Rejected> for OrderError {
    fn from(rejected: Rejected) -> Self {
        Self(rejected)
    }
}

impl Failure for OrderError {
    fn rejected(&self) -> Option<&Rejected> {
        Some(&self.0)
    }
}

#[async_trait::async_trait]
trait Orders {
    async fn place(&self, idempotency: &Idempotency, id: u64) -> Result<u64, OrderError>;
}

struct Provider;

#[async_trait::async_trait]
impl Orders for Provider {
    #[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once", operation = "orders.place")]
    async fn place(&self, idempotency: &Idempotency, id: u64) -> Result<u64, OrderError> {
        drop(idempotency);
        Ok(id)
    }
}

fn main() {}
