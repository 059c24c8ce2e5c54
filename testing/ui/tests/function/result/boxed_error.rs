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

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn place(idempotency: &Idempotency, id: u64) -> Result<u64, Box<dyn std::error::Error>> {
    drop(idempotency);
    Ok(id)
}

fn main() {}
