//! The program of the guide's tutorial.

#![allow(clippy::unwrap_used, reason = "a program of a tutorial")]

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};

use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::{StatusCode, request::Parts};
use axum::routing::post;
use axum::{Json, Router};
use idem_axum::{Idempotency, MemoryStore, ScopeParts, ScopeValue, idempotent};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct NewPayment {
    amount: u64,
    currency: String,
}

#[derive(Clone, Serialize)]
struct Payment {
    id: usize,
    amount: u64,
    currency: String,
}

/// All charges. It stands for a payment provider.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<Payment>>>);

/// The tenant that sent the request, taken from the bearer token.
struct Tenant(String);

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        match parts.headers.get("authorization") {
            Some(token) if token == "Bearer alice-token" => Ok(Self("acme".to_owned())),
            Some(token) if token == "Bearer carol-token" => Ok(Self("globex".to_owned())),
            _ => Err(StatusCode::UNAUTHORIZED),
        }
    }
}

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(
    State(ledger): State<Ledger>,
    tenant: Tenant,
    Json(new): Json<NewPayment>,
) -> (StatusCode, Json<Payment>) {
    println!("charging {} {} for {}", new.amount, new.currency, tenant.0);
    let mut charges = ledger.0.lock().unwrap();
    let payment = Payment { id: charges.len() + 1, amount: new.amount, currency: new.currency };
    charges.push(payment.clone());
    (StatusCode::CREATED, Json(payment))
}

async fn list_payments(State(ledger): State<Ledger>) -> Json<Vec<Payment>> {
    Json(ledger.0.lock().unwrap().clone())
}

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    ledger: Ledger,
}

fn router(idempotency: Idempotency) -> Router {
    let app = App { idempotency, ledger: Ledger::default() };
    Router::new().route("/payments", post(create_payment).get(list_payments)).with_state(app)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let idempotency = Idempotency::new(MemoryStore::new());
    let router = router(idempotency.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let drained = idem_axum::serve(listener, router, &idempotency).await?;
    println!("stopped: {drained:?}");
    Ok(())
}
