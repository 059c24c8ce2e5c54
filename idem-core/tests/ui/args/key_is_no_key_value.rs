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

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn place(idempotency: &Idempotency, id: f64) -> Result<(), OrderError> {
    drop((idempotency, id));
    Ok(())
}

fn main() {}
