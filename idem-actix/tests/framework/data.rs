//! The `Idempotency` in the app's data.

use actix_web::test::init_service;
use actix_web::web::{self, Data};
use actix_web::{App, Responder};
use idem_actix::idempotent;

use crate::support::{Runs, idempotency, post, send};

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(runs: Data<Runs>) -> impl Responder {
    runs.run()
}

/// The innermost value is used, as for all app data.
#[actix_web::test]
async fn a_scope_can_have_its_own_idempotency() {
    let scope = web::scope("/own").app_data(idempotency()).route("/pay", web::post().to(pay));
    let app = App::new().app_data(Data::new(Runs::default())).service(scope);
    let app = init_service(app.route("/pay", web::post().to(pay))).await;
    let first = send!(app, post("/own/pay"));
    send!(app, post("/own/pay")).replays(first.executed(201));
    send!(app, post("/pay")).executed(500);
}
