//! The crate is renamed and re-exported by a crate of the application.

#![deny(warnings)]

use axum::routing::post;
use axum::{Json, Router};
use prelude::guard::{Idempotency, MemoryStore};

#[prelude::guard::idempotent(crate = "prelude::guard", ttl = "24h", scope = "global")]
async fn create(Json(amount): Json<u64>) -> Json<u64> {
    Json(amount)
}

#[test]
fn builds() {
    let idempotency = Idempotency::new(MemoryStore::new());
    let _: Router = Router::new().route("/", post(create)).with_state(idempotency);
}

mod prelude {
    pub(crate) use idem_axum as guard;
}
