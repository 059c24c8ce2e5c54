use actix_web::web;
use idem_actix::idempotent;

#[derive(Clone)]
struct Tenant {
    region: Region,
}

#[derive(Clone)]
struct Region;

#[idempotent(ttl = "24h", scope = "tenant.region")]
async fn create_payment(tenant: web::ReqData<Tenant>) -> &'static str {
    drop(tenant);
    "paid"
}

fn main() {}
