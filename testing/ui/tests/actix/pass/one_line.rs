#![deny(warnings, unused)]

use actix_web::{App, web};
use idem_actix::idempotent;

// rustc must not report the braces of a one-line body as unused.
#[rustfmt::skip]
#[idempotent(ttl = "24h", scope = "tenant.as_str()")]
async fn mentioned(tenant: web::Path<String>) -> &'static str { "done" }

#[rustfmt::skip]
#[idempotent(ttl = "24h", scope = "global")]
async fn not_mentioned() -> &'static str { "done" }

#[test]
fn builds() {
    let _ = App::new()
        .route("/mentioned/{tenant}", web::post().to(mentioned))
        .route("/not-mentioned", web::post().to(not_mentioned));
}
