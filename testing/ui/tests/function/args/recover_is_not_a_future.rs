use idem_core::function::{Failure, Rejected};
use idem_core::{Idempotency, Recovery, idempotent};

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

fn find_order(id: u64) -> Recovery<u64> {
    drop(id);
    Recovery::NotHappened
}

#[idempotent(
    ttl = "7d",
    scope = "global",
    key = "id",
    guarantee = "at-most-once",
    recover = "find_order(*id)"
)]
async fn place(idempotency: &Idempotency, id: u64) -> Result<u64, OrderError> {
    drop((idempotency, id));
    Ok(id)
}

fn main() {}
