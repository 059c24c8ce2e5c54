use axum::http::StatusCode;
use axum::{Extension, Json};
use idem_axum::idempotent;

async fn find_charge(tenant: &str) -> Option<StatusCode> {
    drop(tenant.to_owned());
    None
}

#[idempotent(ttl = "24h", scope = "tenant", recover = "find_charge(tenant)")]
async fn create_payment(
    Extension(tenant): Extension<String>,
    Json(amount): Json<u64>,
) -> StatusCode {
    drop((tenant, amount));
    StatusCode::CREATED
}

fn main() {}
