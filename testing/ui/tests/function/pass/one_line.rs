#![deny(warnings, forbidden_lint_groups)]
#![forbid(unused)]

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

// rustc must not report the braces of a body of one line as unnecessary.
#[rustfmt::skip]
#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn double(idempotency: &Idempotency, id: u64) -> Result<u64, OrderError> { Ok(2 * id) }

#[test]
fn builds() {
    let _ = double;
}
