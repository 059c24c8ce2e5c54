use actix_web::{HttpResponse, Responder, post};
use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
#[post("/payments")]
async fn create_payment(tenant: String) -> impl Responder {
    drop(tenant);
    HttpResponse::Created()
}

fn main() {}
