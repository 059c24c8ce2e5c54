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

struct Event;

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once", fingerprint = "event")]
async fn place(idempotency: &Idempotency, id: u64, event: &Event) -> Result<(), OrderError> {
    drop((idempotency, id, event));
    Ok(())
}

fn main() {}
