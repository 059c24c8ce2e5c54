use axum::Json;
use axum::http::StatusCode;
use idem_axum::idempotent;

struct Tenant;

impl<S: Sync> axum::extract::FromRequestParts<S> for Tenant {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut axum::http::request::Parts, _: &S) -> Result<Self, StatusCode> {
        Ok(Self)
    }
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(_: Tenant, Json(amount): Json<u64>) -> StatusCode {
    drop(amount);
    StatusCode::CREATED
}

fn main() {}
