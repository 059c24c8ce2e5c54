use axum::http::StatusCode;
use axum::{Extension, Json};
use idem_axum::{Recovery, idempotent};

fn find_charge(tenant: &str) -> Recovery<StatusCode> {
    drop(tenant.to_owned());
    Recovery::NotHappened
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
