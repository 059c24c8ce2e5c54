use axum::http::StatusCode;
use idem_axum::{Recovery, idempotent};

struct Tx;

async fn find_charge(_: &str) -> Recovery<StatusCode> {
    Recovery::NotHappened
}

#[idempotent(ttl = "24h", scope = "tenant", recover = "find_charge(tenant)")]
async fn create_payment(tx: Tx, tenant: String) -> StatusCode {
    drop((tx, tenant));
    StatusCode::CREATED
}

fn main() {}
