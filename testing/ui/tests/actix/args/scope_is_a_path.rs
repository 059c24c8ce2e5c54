use actix_web::web;
use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(tenant: web::Path<String>) -> String {
    tenant.into_inner()
}

fn main() {
    let _ = actix_web::App::new().route("/{tenant}", web::post().to(create_payment));
}
