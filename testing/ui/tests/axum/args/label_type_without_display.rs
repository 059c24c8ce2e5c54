use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant", label = "order")]
async fn create_payment(Path(tenant): Path<String>, Json(order): Json<Vec<u64>>) -> StatusCode {
    drop((tenant, order));
    StatusCode::CREATED
}

fn main() {}
