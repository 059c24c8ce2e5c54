//! Request body limits are those of the app. A request over the limit claims nothing.

use actix_web::test::{TestRequest, init_service};
use actix_web::web::{self, Data, Json, JsonConfig, PayloadConfig};
use actix_web::{App, Responder};
use idem_actix::idempotent;
use serde_json::Value;

use crate::support::{Runs, idempotency, post, send};

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(runs: Data<Runs>, _payment: Json<Value>) -> impl Responder {
    runs.run()
}

macro_rules! app {
    ($($data:expr),*) => {
        init_service(
            App::new()
                .app_data(idempotency())
                .app_data(Data::new(Runs::default()))
                $(.app_data($data))*
                .route("/", web::post().to(pay))
                .service(
                    web::resource("/small")
                        .app_data(PayloadConfig::new(100))
                        .route(web::post().to(pay)),
                ),
        )
        .await
    };
}

/// A request whose body is a JSON string of `size` bytes.
fn of_size(path: &str, size: usize) -> TestRequest {
    let body = format!("\"{}\"", "a".repeat(size - 2));
    post(path).insert_header(("content-type", "application/json")).set_payload(body)
}

#[actix_web::test]
async fn the_default_limit_is_that_of_actix_web() {
    let app = app!();
    send!(app, of_size("/", (256 << 10) + 1)).refused(413, "body-too-large");
    send!(app, of_size("/", 256 << 10)).executed(201);
}

#[actix_web::test]
async fn the_limit_of_the_app_applies() {
    let app = app!(PayloadConfig::new(1000));
    send!(app, of_size("/", 1001)).refused(413, "body-too-large");
    send!(app, of_size("/", 1000)).executed(201);
    let app = app!(Data::new(PayloadConfig::new(1000)));
    send!(app, of_size("/", 1001)).refused(413, "body-too-large");
    send!(app, of_size("/", 1000)).executed(201);
}

#[actix_web::test]
async fn the_limit_of_a_resource_replaces_that_of_the_app() {
    let app = app!(PayloadConfig::new(1000));
    send!(app, of_size("/small", 101)).refused(413, "body-too-large");
    send!(app, of_size("/small", 100)).executed(201);
}

#[actix_web::test]
async fn a_lower_limit_of_an_extractor_is_rejected_by_the_extractor() {
    let app = app!(JsonConfig::default().limit(10));
    let refused = send!(app, of_size("/", 11));
    assert!(!String::from_utf8_lossy(refused.executed(413).body.as_ref()).contains("urn:idem"));
    send!(app, of_size("/", 10)).executed(201);
}
