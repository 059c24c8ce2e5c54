//! The size of the future of an annotated handler. Every request pays for it, and moves it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use idem_axum::{Idempotency, ScopeParts, ScopeValue, idempotent};

/// On a 64-bit target. A larger future is a regression, unless the pull request explains it.
const LIMIT: usize = 512;

#[derive(Clone)]
struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

impl<S: Sync> axum::extract::FromRequestParts<S> for Tenant {
    type Rejection = StatusCode;

    async fn from_request_parts(
        _: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self("acme".to_owned()))
    }
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(
    State(_): State<Idempotency>,
    tenant: Tenant,
    Json(amount): Json<u64>,
) -> (StatusCode, Json<u64>) {
    (StatusCode::CREATED, Json(amount + tenant.0.len() as u64))
}

/// Returns the size of the future that the handler returns.
fn future_size<A, B, C, F>(_: impl Fn(A, B, C) -> F) -> usize
where
    F: Future<Output: IntoResponse>,
{
    size_of::<F>()
}

#[test]
fn the_future_of_a_handler_stays_small() {
    let size = future_size(create_payment::<Idempotency, _, _>);
    assert!(size <= LIMIT, "{size} bytes");
}
