use actix_web::web;
use idem_actix::idempotent;

struct Payment;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(tenant: String) -> Payment {
    drop(tenant);
    Payment
}

fn main() {
    let _ = web::post().to(create_payment);
}
