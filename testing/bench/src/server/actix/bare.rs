//! The handler without idempotency.

use actix_web::Responder;
use actix_web::http::StatusCode;
use actix_web::web::{Json, ServiceConfig, post};

use crate::server::{NewPayment, charge};

async fn create_payment(Json(payment): Json<NewPayment>) -> impl Responder {
    (Json(charge(payment)), StatusCode::CREATED)
}

pub(in crate::server) fn routes(app: &mut ServiceConfig) {
    app.route("/payments", post().to(create_payment));
}
