use actix_web::{HttpResponse, Responder, routes};
use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
#[routes]
#[post("/payments")]
#[put("/payments")]
async fn create_payment(tenant: String) -> impl Responder {
    drop(tenant);
    HttpResponse::Created()
}

fn main() {}
