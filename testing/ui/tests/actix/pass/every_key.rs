#![deny(warnings)]

use actix_web::{HttpResponse, Responder, web};
use idem_actix::idempotent;

struct Region(&'static str);

impl Region {
    fn name(&self) -> String {
        self.0.to_owned()
    }
}

#[derive(serde::Deserialize)]
struct NewPayment {
    id: String,
    amount: u64,
}

#[idempotent(
    ttl = "24h",
    hold = "90d",
    scope = "shop.as_str(), region.name()",
    operation = "payments.create",
    key = "payment.id",
    guarantee = "at-least-once",
    max_attempts = 3,
    wait = "3s",
    lease = "10s",
    max_run = "5m",
    label = "payment.id",
    fingerprint = "(&payment.amount, shop.as_str())"
)]
async fn create(
    region: web::Data<Region>,
    shop: web::Path<String>,
    web::Json(payment): web::Json<NewPayment>,
) -> actix_web::Result<impl Responder> {
    drop((region, shop, payment.id, payment.amount));
    Ok(HttpResponse::Created())
}

#[idempotent(ttl = "1h 30m", scope = "global", optional, syntax = "strict", fingerprint = "raw")]
async fn tick() -> impl Responder {
    HttpResponse::NoContent()
}

#[test]
fn builds() {
    let _ = actix_web::App::new()
        .route("/shops/{shop}/payments", web::post().to(create))
        .route("/tick", web::post().to(tick));
}
