use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(Query(tenant): Query<String>, Json(amount): Json<u64>) -> StatusCode {
    drop((tenant, amount));
    StatusCode::CREATED
}

fn main() {}
