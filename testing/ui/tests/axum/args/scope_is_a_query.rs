use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "query")]
async fn create_payment(query: Query<Vec<(String, String)>>, Json(amount): Json<u64>) -> StatusCode {
    drop((query, amount));
    StatusCode::CREATED
}

fn main() {}
