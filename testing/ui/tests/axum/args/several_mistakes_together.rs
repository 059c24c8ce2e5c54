use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24", scope = "tenat", leese = "30s", wait = "0s", max_attempts = 0)]
fn create_payment<T>(Path(tenant): Path<String>, Json(amount): Json<T>) -> StatusCode {
    drop((tenant, amount));
    StatusCode::CREATED
}

fn main() {}
