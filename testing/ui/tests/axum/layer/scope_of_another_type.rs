use std::time::Duration;

use idem_axum::{Guarantee, Idempotency, IdempotencyLayer, MemoryStore, Policy};

static POLICY: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);

#[derive(Clone)]
struct Tenant;

fn main() {
    let idempotency = Idempotency::new(MemoryStore::new());
    let _ = IdempotencyLayer::new(idempotency, &POLICY).scope_from_extension::<Tenant>();
}
