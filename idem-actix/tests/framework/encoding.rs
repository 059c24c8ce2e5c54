//! Compressed request bodies, which actix-web's extractors decode.

use actix_web::test::{TestRequest, init_service};
use actix_web::web::{self, Data, Json, PayloadConfig};
use actix_web::{App, Responder};
use idem_actix::idempotent;
use serde_json::Value;

use crate::support::{Runs, idempotency, post, send};

const AMOUNT: &[u8] = include_bytes!("amount.json.gz");
/// The same JSON with other spaces and another compression level.
const AMOUNT_STORED: &[u8] = include_bytes!("amount_stored.json.gz");
/// The same JSON after a hundred thousand spaces.
const SPACES: &[u8] = include_bytes!("spaces.json.gz");

#[idempotent(ttl = "24h", scope = "global")]
async fn pay(runs: Data<Runs>, payment: Json<Value>) -> impl Responder {
    assert_eq!(payment["amount"], 42);
    runs.run()
}

#[idempotent(ttl = "24h", scope = "global")]
async fn upload(runs: Data<Runs>, parts: web::Payload) -> impl Responder {
    drop(parts);
    runs.run()
}

macro_rules! app {
    ($limit:expr) => {
        init_service(
            App::new()
                .app_data(idempotency())
                .app_data(Data::new(Runs::default()))
                .app_data(PayloadConfig::new($limit))
                .route("/", web::post().to(pay))
                .route("/upload", web::post().to(upload)),
        )
        .await
    };
}

fn json() -> TestRequest {
    post("/").insert_header(("content-type", "application/json"))
}

fn gzip(body: &'static [u8]) -> TestRequest {
    json().insert_header(("content-encoding", "gzip")).set_payload(body)
}

#[actix_web::test]
async fn a_body_is_compared_after_decoding() {
    let app = app!(1000);
    let first = send!(app, gzip(AMOUNT));
    send!(app, gzip(AMOUNT)).replays(first.executed(201));
    send!(app, gzip(AMOUNT_STORED)).replays(&first);
    send!(app, json().set_payload(r#"{"amount":42}"#)).replays(&first);
    send!(app, json().set_payload(r#"{"amount":43}"#)).refused(422, "key-reused");
}

/// `actix-multipart` does not decode, so the bytes as they were sent select the parts.
#[actix_web::test]
async fn a_multipart_body_is_compared_as_it_was_sent() {
    let app = app!(1000);
    let upload = |body| {
        let request = post("/upload").insert_header(("content-encoding", "gzip"));
        request.insert_header(("content-type", "Multipart/form-data; boundary=b")).set_payload(body)
    };
    let first = send!(app, upload(AMOUNT));
    send!(app, upload(AMOUNT)).replays(first.executed(201));
    send!(app, upload(AMOUNT_STORED)).refused(422, "key-reused");
}

#[actix_web::test]
async fn a_body_is_limited_before_and_after_decoding() {
    let app = app!(1000);
    assert!(SPACES.len() < 1000);
    send!(app, gzip(SPACES)).refused(413, "body-too-large");
    send!(app, gzip(AMOUNT)).executed(201);
    let app = app!(AMOUNT_STORED.len() - 1);
    send!(app, gzip(AMOUNT_STORED)).refused(413, "body-too-large");
    send!(app, gzip(AMOUNT)).executed(201);
}

#[actix_web::test]
async fn a_body_that_cannot_be_decoded_is_refused() {
    let app = app!(1000);
    let refused = send!(app, gzip(b"this is not gzip"));
    assert!((400..500).contains(&refused.status), "{refused:?}");
    send!(app, gzip(AMOUNT)).executed(201);
}
