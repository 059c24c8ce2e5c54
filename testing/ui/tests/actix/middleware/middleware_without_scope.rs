use std::time::Duration;

use actix_web::web;
use idem_actix::{Guarantee, Idempotency, IdempotencyMiddleware, MemoryStore, Policy};

static POLICY: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);

fn main() {
    let idempotency = Idempotency::new(MemoryStore::new());
    let _ = web::scope("").wrap(IdempotencyMiddleware::new(idempotency, &POLICY));
}
