//! The bare handler behind the layer, on the memory store.

use axum::Router;
use idem_axum::{Idempotency, IdempotencyLayer, MemoryStore};

use super::bare;
use crate::server::POLICY;

pub(in crate::server) fn router() -> Router {
    let store = MemoryStore::with_capacity(usize::MAX, usize::MAX);
    let layer = IdempotencyLayer::new(Idempotency::new(store), &POLICY);
    bare::router().route_layer(layer.global_scope())
}
