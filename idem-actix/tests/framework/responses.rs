//! Return values of handlers: responders, errors and declared outcomes.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::test::init_service;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, Responder, ResponseError};
use idem_actix::{Declared, Outcome, idempotent};

use crate::support::{Runs, idempotency, post, send};

#[derive(Debug)]
struct Declined(u32, Option<Outcome>);

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "declined by run {}", self.0)
    }
}

impl ResponseError for Declined {
    fn status_code(&self) -> StatusCode {
        StatusCode::PAYMENT_REQUIRED
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code()).body(self.to_string());
        if let Some(outcome) = self.1 {
            response.extensions_mut().insert(outcome);
        }
        response
    }
}

#[idempotent(ttl = "24h", scope = "global")]
async fn decline(runs: Data<Runs>) -> Result<&'static str, Declined> {
    Err(Declined(runs.count(), None))
}

#[idempotent(ttl = "24h", scope = "global")]
async fn decline_before_acting(runs: Data<Runs>) -> Result<&'static str, Declined> {
    Err(Declined(runs.count(), Some(Outcome::NotExecuted)))
}

#[idempotent(ttl = "24h", scope = "global")]
async fn provider_is_down(runs: Data<Runs>) -> impl Responder {
    Declared(Outcome::NotExecuted, (runs.count().to_string(), StatusCode::BAD_GATEWAY))
}

#[idempotent(ttl = "24h", scope = "global")]
async fn busy_but_final(runs: Data<Runs>) -> impl Responder {
    Declared(Outcome::Final, (runs.count().to_string(), StatusCode::SERVICE_UNAVAILABLE))
}

#[idempotent(ttl = "24h", scope = "global")]
async fn nothing(runs: Data<Runs>) -> actix_web::Result<()> {
    runs.count();
    Ok(())
}

macro_rules! app {
    ($handler:path) => {
        init_service(
            App::new()
                .app_data(idempotency())
                .app_data(Data::new(Runs::default()))
                .route("/", web::post().to($handler)),
        )
        .await
    };
}

#[actix_web::test]
async fn an_error_is_stored() {
    let app = app!(decline);
    let first = send!(app, post("/"));
    assert_eq!(first.executed(402).body, "declined by run 1");
    send!(app, post("/")).replays(&first);
}

#[actix_web::test]
async fn an_error_can_declare_not_executed() {
    let app = app!(decline_before_acting);
    send!(app, post("/")).executed(402);
    assert_eq!(send!(app, post("/")).executed(402).body, "declined by run 2");
}

#[actix_web::test]
async fn a_responder_can_declare_not_executed() {
    let app = app!(provider_is_down);
    send!(app, post("/")).executed(502);
    assert_eq!(send!(app, post("/")).executed(502).body, "2");
}

#[actix_web::test]
async fn a_responder_can_declare_final() {
    let app = app!(busy_but_final);
    let first = send!(app, post("/"));
    send!(app, post("/")).replays(first.executed(503));
}

#[actix_web::test]
async fn an_empty_response_is_stored() {
    let app = app!(nothing);
    let first = send!(app, post("/"));
    send!(app, post("/")).replays(first.executed(204));
}
