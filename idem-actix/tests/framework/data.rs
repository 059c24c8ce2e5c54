//! The handle comes with the app's data.

use actix_web::test::init_service;
use actix_web::web::{self, Data};
use actix_web::{App, Responder};
use idem_actix::idempotent;

use crate::support::{Runs, idempotency, post, send};

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(runs: Data<Runs>) -> impl Responder {
    runs.run()
}

/// As with all of the app's data, the innermost counts.
#[actix_web::test]
async fn a_scope_may_have_a_handle_of_its_own() {
    let scope = web::scope("/own").app_data(idempotency()).route("/pay", web::post().to(pay));
    let app = App::new().app_data(Data::new(Runs::default())).service(scope);
    let app = init_service(app.route("/pay", web::post().to(pay))).await;
    let first = send!(app, post("/own/pay"));
    send!(app, post("/own/pay")).replays(first.executed(201));
    send!(app, post("/pay")).executed(500);
}
