use actix_web::{HttpResponse, Responder, web};
use idem_actix::idempotent;

struct Payment;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(tenant: String, payment: Payment) -> impl Responder {
    drop((tenant, payment));
    HttpResponse::Created()
}

fn main() {
    let _ = web::post().to(create_payment);
}
