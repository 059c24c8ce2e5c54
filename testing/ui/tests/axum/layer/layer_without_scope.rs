use std::time::Duration;

use axum::Router;
use axum::routing::post;
use idem_axum::{Guarantee, Idempotency, IdempotencyLayer, MemoryStore, Policy};

static POLICY: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);

async fn pay() {}

fn main() {
    let layer = IdempotencyLayer::new(Idempotency::new(MemoryStore::new()), &POLICY);
    let _: Router = Router::new().route("/pay", post(pay)).route_layer(layer);
}
