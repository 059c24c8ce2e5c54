use actix_web::web;
use idem_actix::idempotent;

#[derive(serde::Deserialize)]
struct Tenant;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(web::Json(tenant): web::Json<Tenant>) -> &'static str {
    drop(tenant);
    "paid"
}

fn main() {}
