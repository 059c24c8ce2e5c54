use axum::http::StatusCode;
use axum::{Extension, Json};
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant", label = "order")]
async fn create_payment(
    Extension(tenant): Extension<String>,
    Json(order): Json<Vec<u64>>,
) -> StatusCode {
    drop((tenant, order));
    StatusCode::CREATED
}

fn main() {}
