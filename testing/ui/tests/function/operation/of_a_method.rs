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

struct Orders {
    idempotency: Idempotency,
}

impl Orders {
    #[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once", idempotency = "self.idempotency")]
    async fn handle(&self, id: u64) -> Result<(), OrderError> {
        drop((id,));
        Ok(())
    }
}

fn main() {}
