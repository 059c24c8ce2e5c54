use axum::http::StatusCode;
use axum::{Extension, Json};
use idem_axum::idempotent;

#[idempotent(ttl = "24", scope = "tenat", leese = "30s", wait = "0s", max_attempts = 0)]
fn create_payment<T>(Extension(tenant): Extension<String>, Json(amount): Json<T>) -> StatusCode {
    drop((tenant, amount));
    StatusCode::CREATED
}

fn main() {}
