#![deny(warnings)]
#![allow(dead_code, non_camel_case_types, non_upper_case_globals)]

use axum::routing::post;
use axum::{Extension, Json, Router};
use idem_axum::{Idempotency, MemoryStore, Recovery, idempotent};

// In a pattern, a constant or static takes precedence over a new binding of the same name.
const call: u8 = 1;
const key: u8 = 2;
const input: u8 = 3;
static policy: u8 = 4;
static scope: u8 = 5;
struct arg0;
struct last;
struct args;
struct refused;

async fn recovery(_: u64) -> Recovery<String> {
    Recovery::NotHappened
}

#[idempotent(
    ttl = "24h",
    scope = "tenant",
    key = "id",
    fingerprint = "id",
    recover = "recovery(*id)"
)]
async fn create(Extension(tenant): Extension<String>, Json(id): Json<u64>) -> String {
    format!("{tenant}/{id}")
}

#[test]
fn builds() {
    let _: Router = Router::new()
        .route("/{tenant}", post(create))
        .with_state(Idempotency::new(MemoryStore::new()));
}
