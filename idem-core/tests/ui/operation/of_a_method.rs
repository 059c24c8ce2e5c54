use idem_core::{Failure, Idempotency, Refused, idempotent};

#[derive(Debug)]
struct OrderError(Refused);

impl From<Refused> for OrderError {
    fn from(refused: Refused) -> Self {
        Self(refused)
    }
}

impl Failure for OrderError {
    fn refused(&self) -> Option<&Refused> {
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
