use axum::http::StatusCode;
use axum::{Extension, Json};
use idem_axum::idempotent;
use idem_axum::{Guarantee, Policy};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PAYMENTS: Policy =
    Policy::new(DAY, Guarantee::AtMostOnce).with_lease(Duration::from_millis(99));

#[idempotent(policy = "PAYMENTS", scope = "tenant", ttl = "1m")]
async fn create_payment(
    Extension(tenant): Extension<String>,
    Json(amount): Json<u64>,
) -> StatusCode {
    drop((tenant, amount));
    StatusCode::CREATED
}

fn main() {}
