use std::cell::Cell;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use idem_axum::{Recovery, idempotent};

struct Attempts(Cell<u8>);

impl<S: Sync> FromRequestParts<S> for Attempts {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Ok(Self(Cell::new(1)))
    }
}

async fn find_charge(_: u8) -> Recovery<StatusCode> {
    Recovery::NotHappened
}

#[idempotent(ttl = "24h", scope = "tenant", recover = "async { find_charge(attempts.0.get()).await }")]
async fn create_payment(attempts: Attempts, tenant: String) -> StatusCode {
    drop((attempts, tenant));
    StatusCode::CREATED
}

fn main() {}
