use axum::http::StatusCode;
use axum::{Extension, Json};
use idem_axum::idempotent;

#[idempotent(ttl = "24x", scope = "tenant")]
async fn create_payment(
    Extension(tenant): Extension<String>,
    Json(amount): Json<u64>,
) -> StatusCode {
    drop((tenant, amount));
    StatusCode::CREATED
}

fn main() {}
