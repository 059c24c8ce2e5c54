use axum::Json;
use axum::Extension;
use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(tenant: Extension<f64>, Json(amount): Json<u64>) -> StatusCode {
    drop((tenant, amount));
    StatusCode::CREATED
}

fn main() {}
