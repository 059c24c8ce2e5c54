//! All extractors of a handler read one buffered body, before the claim.

use std::collections::HashMap;

use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, USER_AGENT};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{self, Bytes, Data, Form, Json, JsonConfig, Path, Query};
use actix_web::{App, Either, HttpRequest, Responder};
use futures_util::TryStreamExt;
use idem_actix::idempotent;
use serde_json::{Value, json};

use crate::support::{Runs, idempotency, post, send};

type Pairs = HashMap<String, String>;

#[idempotent(
    ttl = "24h",
    scope = "shop.as_str()",
    fingerprint = "(&payment[\"amount\"], &query[\"x\"])"
)]
async fn everything(
    runs: Data<Runs>,
    shop: Path<String>,
    Query(query): Query<Pairs>,
    request: HttpRequest,
    content_type: web::Header<ContentType>,
    Json(payment): Json<Value>,
) -> impl Responder {
    let agent = request.headers().get(USER_AGENT).unwrap().to_str().unwrap();
    let run = runs.count();
    Json(json!([run, *shop, query["x"], agent, content_type.to_string(), payment["amount"]]))
}

#[idempotent(ttl = "24h", scope = "global")]
async fn form(runs: Data<Runs>, Form(pairs): Form<Pairs>) -> String {
    format!("{} {}", runs.count(), pairs["a"])
}

#[idempotent(ttl = "24h", scope = "global")]
async fn text(runs: Data<Runs>, body: String) -> String {
    format!("{} {body}", runs.count())
}

#[idempotent(ttl = "24h", scope = "global")]
async fn bytes(runs: Data<Runs>, body: Bytes) -> String {
    format!("{} {}", runs.count(), body.len())
}

#[idempotent(ttl = "24h", scope = "global")]
async fn stream(runs: Data<Runs>, body: web::Payload) -> actix_web::Result<String> {
    let chunks: Vec<Bytes> = body.try_collect().await?;
    Ok(format!("{} {}", runs.count(), String::from_utf8_lossy(&chunks.concat())))
}

#[idempotent(ttl = "24h", scope = "global")]
async fn either(runs: Data<Runs>, body: Either<Json<Value>, Bytes>) -> String {
    let kind = match body {
        Either::Left(_) => "json",
        Either::Right(_) => "bytes",
    };
    format!("{} {kind}", runs.count())
}

#[idempotent(ttl = "24h", scope = "global")]
async fn maybe(runs: Data<Runs>, payment: Option<Json<Value>>) -> String {
    format!("{} {}", runs.count(), payment.is_some())
}

macro_rules! app {
    () => {
        init_service(
            App::new()
                .app_data(idempotency())
                .app_data(Data::new(Runs::default()))
                .app_data(JsonConfig::default().error_handler(|error, _| {
                    InternalError::new(error, StatusCode::IM_A_TEAPOT).into()
                }))
                .route("/shops/{shop}", web::post().to(everything))
                .route("/form", web::post().to(form))
                .route("/text", web::post().to(text))
                .route("/bytes", web::post().to(bytes))
                .route("/stream", web::post().to(stream))
                .route("/either", web::post().to(either))
                .route("/maybe", web::post().to(maybe)),
        )
        .await
    };
}

fn everything_of(shop: &str, payment: &Value) -> TestRequest {
    post(&format!("/shops/{shop}?x=1")).insert_header(("user-agent", "test")).set_json(payment)
}

#[actix_web::test]
async fn every_argument_is_extracted() {
    let app = app!();
    let first = send!(app, everything_of("s", &json!({ "amount": 4 })));
    let expected = json!([1, "s", "1", "test", "application/json", 4]);
    assert_eq!(serde_json::from_slice::<Value>(&first.body).unwrap(), expected);
    send!(app, everything_of("s", &json!({ "amount": 4, "memo": "new" }))).replays(&first);
    send!(app, everything_of("s", &json!({ "amount": 5 }))).refused(422, "key-reused");
    send!(app, everything_of("t", &json!({ "amount": 5 }))).executed(200);
}

#[actix_web::test]
async fn every_body_extractor_gets_the_body() {
    let app = app!();
    for (path, content_type, body, expected) in [
        ("/form", "application/x-www-form-urlencoded", "a=b", "1 b"),
        ("/text", "text/plain", "hello", "2 hello"),
        ("/bytes", "image/png", "hello", "3 5"),
        ("/stream", "text/plain", "hello", "4 hello"),
        ("/either", "application/json", "{}", "5 json"),
        ("/maybe", "application/json", "{}", "6 true"),
        ("/stream", "", "", "7 "),
    ] {
        let request = || {
            let request = post(path).insert_header(("content-type", content_type));
            request.insert_header(("idempotency-key", expected.replace(' ', ""))).set_payload(body)
        };
        let first = send!(app, request());
        assert_eq!(first.executed(200).body, expected);
        send!(app, request()).replays(&first);
    }
}

#[actix_web::test]
async fn an_extractor_can_read_the_body_again_or_ignore_it() {
    let app = app!();
    let text = |path| post(path).insert_header(("content-type", "text/plain")).set_payload("{");
    assert_eq!(send!(app, text("/either")).executed(200).body, "1 bytes");
    assert_eq!(send!(app, text("/maybe")).executed(200).body, "2 false");
}

#[actix_web::test]
async fn a_rejection_is_the_extractors_own_and_leaves_the_key_free() {
    let app = app!();
    let json = |body: &'static str| post("/shops/s?x=1").set_payload(body);
    let typed = |body| json(body).insert_header(("content-type", "application/json"));
    send!(app, typed("{").insert_header(("user-agent", "test"))).executed(418);
    send!(app, post("/form").set_payload("a=b")).executed(415);
    send!(app, everything_of("s", &json!({ "amount": 4 }))).executed(200);
    let form = post("/form").insert_header(("content-type", "application/x-www-form-urlencoded"));
    assert_eq!(send!(app, form.set_payload("a=b")).executed(200).body, "2 b");
}
