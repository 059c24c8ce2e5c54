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

struct Receipt;

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn place(idempotency: &Idempotency, id: u64) -> Receipt {
    drop((idempotency, id));
    Receipt
}

fn main() {}
