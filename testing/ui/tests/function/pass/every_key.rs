use idem_core::{Idempotency, idempotent};
use idem_core::function::{Failure, Rejected};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct OrderPlaced {
    tenant: String,
    shop: u32,
    id: String,
}

#[derive(Serialize, Deserialize)]
struct Receipt {
    id: u64,
}

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

struct Context {
    idempotency: Idempotency,
}

#[idempotent(
    ttl = "7d",
    hold = "90d",
    scope = "event.tenant, event.shop",
    operation = "orders.place",
    key = "event.id",
    guarantee = "at-least-once",
    max_attempts = 5,
    wait = "3s",
    lease = "10s",
    max_run = "5m",
    label = "event.id",
    fingerprint = "event",
    idempotency = "ctx.idempotency"
)]
async fn on_order_placed(ctx: &Context, event: &OrderPlaced) -> Result<Receipt, OrderError> {
    let _ = ctx;
    Ok(Receipt { id: 1 })
}

#[test]
fn builds() {
    let _ = on_order_placed;
}
