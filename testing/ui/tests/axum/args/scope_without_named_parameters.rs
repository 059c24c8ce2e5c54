use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment() -> StatusCode {
    StatusCode::CREATED
}

fn main() {}
