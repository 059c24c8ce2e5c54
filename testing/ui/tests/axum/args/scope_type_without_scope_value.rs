use axum::http::StatusCode;
use axum::{Extension, Json};
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "rate")]
async fn create_payment(Extension(rate): Extension<f64>, Json(amount): Json<u64>) -> StatusCode {
    drop((rate, amount));
    StatusCode::CREATED
}

fn main() {}
