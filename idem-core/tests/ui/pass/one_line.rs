#![deny(warnings, forbidden_lint_groups)]
#![forbid(unused)]

use idem_core::{Idempotency, idempotent};
use idem_core::function::{Failure, Rejected};

#[derive(Debug)]
struct OrderError(Rejected);

impl From<Rejected> for OrderError {
    fn from(refused: Rejected) -> Self {
        Self(refused)
    }
}

impl Failure for OrderError {
    fn rejected(&self) -> Option<&Rejected> {
        Some(&self.0)
    }
}

// A body of one line, whose braces rustc must not take for superfluous.
#[rustfmt::skip]
#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn double(idempotency: &Idempotency, id: u64) -> Result<u64, OrderError> { Ok(2 * id) }

fn main() {
    let _ = double;
}
