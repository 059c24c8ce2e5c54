#![deny(warnings, unused)]

use axum::routing::post;
use axum::{Extension, Router};
use idem_axum::{Idempotency, MemoryStore, idempotent};

// rustc must not report the braces of a one-line body as unused.
#[rustfmt::skip]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn mentioned(Extension(tenant): Extension<String>) -> &'static str { "done" }

#[rustfmt::skip]
#[idempotent(ttl = "24h", scope = "global")]
async fn not_mentioned() -> &'static str { "done" }

#[test]
fn builds() {
    let _: Router = Router::new()
        .route("/mentioned/{tenant}", post(mentioned))
        .route("/not-mentioned", post(not_mentioned))
        .with_state(Idempotency::new(MemoryStore::new()));
}
