use actix_web::post;
use idem_actix::idempotent;

#[post("/payments")]
#[idempotent(ttl = "24", scope = "tenant")]
async fn create_payment(tenant: String) -> String {
    tenant
}

fn main() {
    let _ = create_payment;
}
