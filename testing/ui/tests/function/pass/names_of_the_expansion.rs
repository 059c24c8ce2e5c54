#![deny(warnings)]
#![allow(dead_code, non_camel_case_types, non_upper_case_globals)]

use idem_core::{Idempotency, Recovery, idempotent};
use idem_core::function::{Failure, Rejected};

// In a pattern, an item of the user would take precedence over a name of the expansion.
const body: u8 = 1;
const call: u8 = 2;
const key: u8 = 3;
const input: u8 = 4;
static policy: u8 = 5;
static scope: u8 = 6;
struct args;
struct found;
struct returned;

async fn recovery(_: u64) -> Recovery<u64> {
    Recovery::NotHappened
}

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

#[idempotent(
    ttl = "7d",
    scope = "tenant",
    key = "id",
    guarantee = "at-most-once",
    fingerprint = "id",
    recover = "recovery(*id)"
)]
async fn double(idempotency: &Idempotency, tenant: &str, id: u64) -> Result<u64, OrderError> {
    Ok(2 * id + u64::try_from(tenant.len()).unwrap_or_default())
}

#[test]
fn builds() {
    let _ = double;
}
