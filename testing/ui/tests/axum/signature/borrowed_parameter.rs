use axum::http::StatusCode;
use idem_axum::idempotent;

struct Tenant;

#[idempotent(ttl = "24h", scope = "global")]
async fn create_payment(tenant: &Tenant) -> StatusCode {
    drop(tenant);
    StatusCode::CREATED
}

fn main() {}
