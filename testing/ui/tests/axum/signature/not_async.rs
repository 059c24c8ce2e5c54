use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
fn create_payment(tenant: String) -> StatusCode {
    drop(tenant);
    StatusCode::CREATED
}

fn main() {}
