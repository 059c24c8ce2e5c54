use std::time::Duration;

use idem_core::{Guarantee, Idempotency, MemoryStore, Policy};
use idem_tower::IdempotencyLayer;
use tower_layer::Layer;

static POLICY: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);

struct Upstream;

fn serve(_: impl Layer<Upstream>) {}

fn main() {
    let idempotency = Idempotency::new(MemoryStore::new());
    serve(IdempotencyLayer::new(idempotency, &POLICY).global_scope());
}
