//! The crate is re-exported by an adapter. The handle is behind a pointer.

#![deny(warnings)]

use std::sync::Arc;
use std::time::Duration;

use idem_axum::idem_core::function::{Failure, Rejected};
use idem_axum::idem_core::{Guarantee, Idempotency, Policy, Recovery, idempotent};

const POLICY: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);

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
    crate = "idem_axum::idem_core",
    policy = "POLICY",
    scope = "global",
    key = "order",
    recover = "find(order)"
)]
async fn place(idempotency: Arc<Idempotency>, order: u64) -> Result<u64, OrderError> {
    drop(idempotency);
    Ok(order)
}

async fn find(order: &u64) -> Recovery<u64> {
    Recovery::Happened(*order)
}

#[test]
fn builds() {
    let _ = place;
}
