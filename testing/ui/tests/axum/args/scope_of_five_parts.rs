use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "a, b, c, d, amount")]
async fn create_payment(
    Path((a, b, c, d)): Path<(String, String, String, String)>,
    Json(amount): Json<u64>,
) -> StatusCode {
    drop((a, b, c, d, amount));
    StatusCode::CREATED
}

fn main() {}
