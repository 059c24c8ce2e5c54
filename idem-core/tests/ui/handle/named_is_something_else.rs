use idem_core::{Failure, Refused, idempotent};

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

struct App {
    name: String,
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once", idempotency = "app.name")]
async fn place(app: &App, id: u64) -> Result<(), OrderError> {
    drop((app, id));
    Ok(())
}

fn main() {}
