use actix_web::{HttpResponse, web};
use idem_actix::idempotent;

async fn find_charge(tenant: &str) -> Option<HttpResponse> {
    drop(tenant.to_owned());
    None
}

#[idempotent(ttl = "24h", scope = "tenant.as_str()", recover = "find_charge(tenant)")]
async fn create_payment(tenant: web::Path<String>, amount: web::Json<u64>) -> HttpResponse {
    drop((tenant, amount));
    HttpResponse::Created().finish()
}

fn main() {}
