use actix_web::web;
use idem_actix::idempotent;

fn name(tenant: String) -> String {
    tenant
}

#[idempotent(ttl = "24h", scope = "name(tenant)")]
async fn create_payment(web::Json(tenant): web::Json<String>) -> String {
    tenant
}

fn main() {}
