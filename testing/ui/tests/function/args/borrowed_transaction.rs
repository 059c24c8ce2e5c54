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

struct Tx;

#[idempotent(ttl = "7d", scope = "global", key = "id")]
async fn place(idempotency: &Idempotency, tx: &mut Tx, id: u64) -> Result<u64, OrderError> {
    drop((idempotency, tx));
    Ok(id)
}

fn main() {}
