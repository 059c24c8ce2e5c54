use axum::Json;
use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment<T>(tenant: String, Json(_): Json<T>) -> StatusCode {
    drop(tenant);
    StatusCode::CREATED
}

fn main() {}
