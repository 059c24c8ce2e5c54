#![deny(warnings)]
#![allow(dead_code, non_camel_case_types, non_upper_case_globals)]

use actix_web::{App, web};
use idem_actix::{Recovery, idempotent};

// In a pattern, a constant or static takes precedence over a new binding of the same name.
const call: u8 = 1;
const key: u8 = 2;
const input: u8 = 3;
static policy: u8 = 4;
static scope: u8 = 5;
struct arg0;
struct arg1;
struct args;
struct refused;

async fn recovery(_: u64) -> Recovery<String> {
    Recovery::NotHappened
}

#[idempotent(ttl = "24h", scope = "tenant.as_str()", key = "id.0", fingerprint = "id.0", recover = "recovery(id.0)")]
async fn create(tenant: web::Path<String>, id: web::Json<u64>) -> String {
    format!("{tenant}/{id}")
}

#[test]
fn builds() {
    let _ = App::new().route("/{tenant}", web::post().to(create));
}
