use idem_core::idempotent;
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

struct App {
    name: String,
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once", idempotency = "app.name")]
async fn place(app: &App, id: u64) -> Result<(), OrderError> {
    drop((app, id));
    Ok(())
}

fn main() {}
