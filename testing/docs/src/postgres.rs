//! The guide's chapter on Postgres.

#![expect(clippy::needless_pass_by_value, reason = "for `map_err`")]

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::{StatusCode, request::Parts};
use idem_axum::postgres::sqlx;
use idem_axum::{ScopeParts, ScopeValue, Tx, idempotent};
use serde::Deserialize;

#[derive(Deserialize)]
struct NewTransfer {
    payee: String,
    cents: i64,
}

struct Payer(String);

impl ScopeValue for Payer {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

impl<S: Sync> FromRequestParts<S> for Payer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        match parts.headers.get("authorization") {
            Some(token) if token == "Bearer alice-token" => Ok(Self("alice".to_owned())),
            _ => Err(StatusCode::UNAUTHORIZED),
        }
    }
}

#[idempotent(ttl = "24h", scope = "payer")]
async fn create_transfer(
    mut tx: Tx,
    payer: Payer,
    Json(order): Json<NewTransfer>,
) -> Result<StatusCode, (StatusCode, &'static str)> {
    let debit = "UPDATE account SET cents = cents - $1 WHERE id = $2 AND cents >= $1";
    let debit = sqlx::query(debit).bind(order.cents).bind(&payer.0).execute(&mut *tx);
    if debit.await.map_err(failed)?.rows_affected() == 0 {
        return Err((StatusCode::PAYMENT_REQUIRED, "the balance is too low"));
    }
    let credit = "UPDATE account SET cents = cents + $1 WHERE id = $2";
    let credit = sqlx::query(credit).bind(order.cents).bind(&order.payee).execute(&mut *tx);
    credit.await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A 500 rolls everything back and frees the key, so the client can retry.
fn failed(error: sqlx::Error) -> (StatusCode, &'static str) {
    eprintln!("the database failed: {error}");
    (StatusCode::INTERNAL_SERVER_ERROR, "try again")
}
