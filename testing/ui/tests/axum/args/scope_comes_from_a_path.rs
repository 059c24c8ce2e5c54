use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(Path(tenant): Path<String>, Json(amount): Json<u64>) -> StatusCode {
    drop((tenant, amount));
    StatusCode::CREATED
}

fn main() {}
