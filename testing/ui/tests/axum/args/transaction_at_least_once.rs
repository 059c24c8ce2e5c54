use axum::Json;
use axum::http::StatusCode;
use idem_axum::idempotent;

struct Tx;

impl<S: Sync> axum::extract::FromRequestParts<S> for Tx {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut axum::http::request::Parts, _: &S) -> Result<Self, StatusCode> {
        Ok(Self)
    }
}

#[idempotent(ttl = "24h", scope = "global", guarantee = "at-least-once")]
async fn create_payment(tx: Tx, Json(amount): Json<u64>) -> StatusCode {
    drop((tx, amount));
    StatusCode::CREATED
}

fn main() {}
