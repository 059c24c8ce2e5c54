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

struct Event;

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once", fingerprint = "event")]
async fn place(idempotency: &Idempotency, id: u64, event: &Event) -> Result<(), OrderError> {
    drop((idempotency, id, event));
    Ok(())
}

fn main() {}
