//! The crate is renamed and re-exported by a crate of the application.

#![deny(warnings)]

use actix_web::{App, web};

#[prelude::guard::idempotent(crate = "prelude::guard", ttl = "24h", scope = "global")]
async fn create(amount: web::Json<u64>) -> String {
    amount.to_string()
}

#[test]
fn builds() {
    let _ = App::new().route("/", web::post().to(create));
}

mod prelude {
    pub(crate) use idem_actix as guard;
}
