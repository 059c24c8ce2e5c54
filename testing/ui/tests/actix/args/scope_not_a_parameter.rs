use actix_web::web;
use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenat")]
async fn create_payment(tenant: String, web::Json(amount): web::Json<u64>) -> String {
    format!("{tenant} {amount}")
}

fn main() {}
