use actix_web::web;
use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(tenant: String) {
    drop(tenant);
}

fn main() {
    let _ = web::post().to(create_payment);
}
