#![deny(warnings, forbidden_lint_groups)]
#![forbid(unused)]

use axum::Router;
use axum::extract::Path;
use axum::routing::post;
use idem_axum::{Idempotency, MemoryStore, idempotent};

// A body of one line, whose braces rustc must not take for superfluous.
#[rustfmt::skip]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn mentioned(Path(tenant): Path<String>) -> &'static str { "done" }

#[rustfmt::skip]
#[idempotent(ttl = "24h", scope = "global")]
async fn not_mentioned() -> &'static str { "done" }

fn main() {
    let _: Router = Router::new()
        .route("/mentioned/{tenant}", post(mentioned))
        .route("/not-mentioned", post(not_mentioned))
        .with_state(Idempotency::new(MemoryStore::new()));
}
