//! A payments server that charges once per `Idempotency-Key`, however often the client retries.
//!
//! `cargo run -p payments-axum` starts it and prints what to try. A listen address can be given as the
//! first argument, and with `--features redis` or `--features postgres` the URL of a store as the second:
//! then any number of these servers share the keys.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{StatusCode, request::Parts};
use axum::routing::post;
use axum::{Json, Router};
use idem_axum::{
    Drained, Idempotency, IdempotencyBuilder, MemoryStore, ScopeParts, ScopeValue, idempotent,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    ledger: Ledger,
}

/// Every charge that was made, per tenant: what must not grow when a client retries.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<HashMap<String, Vec<Payment>>>>);

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

/// Who calls: taken from the bearer token, never from anything else that the client sends.
struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        match header.and_then(|header| header.strip_prefix("Bearer ")) {
            Some("alice-token") => Ok(Self("acme".to_owned())),
            Some("carol-token") => Ok(Self("globex".to_owned())),
            _ => Err(StatusCode::UNAUTHORIZED),
        }
    }
}

/// A refusal is an answer like any other: it is stored and replayed.
const DECLINED: (StatusCode, &str) = (StatusCode::PAYMENT_REQUIRED, "the card was declined");

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(
    State(ledger): State<Ledger>,
    tenant: Tenant,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), (StatusCode, &'static str)> {
    if payment.amount >= 1_000_000 {
        return Err(DECLINED);
    }
    Ok((StatusCode::CREATED, Json(ledger.charge(tenant, payment))))
}

async fn list_payments(State(ledger): State<Ledger>, tenant: Tenant) -> Json<Vec<Payment>> {
    Json(ledger.of(&tenant))
}

impl Ledger {
    fn charge(&self, tenant: Tenant, NewPayment { amount, currency }: NewPayment) -> Payment {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let payments = tenants.entry(tenant.0).or_default();
        let payment = Payment { id: payments.len() + 1, amount, currency };
        payments.push(payment.clone());
        payment
    }

    fn of(&self, tenant: &Tenant) -> Vec<Payment> {
        let tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.get(&tenant.0).cloned().unwrap_or_default()
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let idempotency = match std::env::args().nth(2) {
        None => Idempotency::builder(MemoryStore::new()),
        Some(url) => on(&url).await?,
    };
    let idempotency = idempotency.namespace("payments").build();
    let app = App { idempotency: idempotency.clone(), ledger: Ledger::default() };
    let router =
        Router::new().route("/payments", post(create_payment).get(list_payments)).with_state(app);

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    print_what_to_try(&listener)?;
    let terminate = signal(SignalKind::terminate())?;
    axum::serve(listener, router).with_graceful_shutdown(asked_to_stop(terminate)).await?;

    // Charges whose clients have hung up still run: let them finish and be recorded.
    match idempotency.drain(Duration::from_secs(30)).await {
        Drained::Finished => Ok(()),
        Drained::GaveUp(runs) => Err(io::Error::other(format!("{runs} payments were cut off"))),
    }
}

async fn on(url: &str) -> io::Result<IdempotencyBuilder> {
    match url {
        #[cfg(feature = "redis")]
        url if url.starts_with("redis") => {
            let store = idem_axum::RedisStore::connect(url).await.map_err(io::Error::other)?;
            Ok(Idempotency::builder(store))
        }
        #[cfg(feature = "postgres")]
        url if url.starts_with("postgres") => {
            let store = idem_axum::PostgresStore::connect(url).await.map_err(io::Error::other)?;
            Ok(Idempotency::builder(store))
        }
        _ => Err(io::Error::other("no store for this URL; add `--features redis` or `postgres`")),
    }
}

/// Ctrl-C, or what containers and service managers send.
async fn asked_to_stop(mut terminate: Signal) {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn print_what_to_try(listener: &TcpListener) -> io::Result<()> {
    let server = format!("http://{}", listener.local_addr()?);
    println!("listening on {server}\n");
    println!(
        "Send this twice. The second answer is the first one, marked `idempotent-replayed: true`:\n"
    );
    println!("  curl -i {server}/payments -H 'Authorization: Bearer alice-token' \\");
    println!(
        "       -H 'Idempotency-Key: order-1001' --json '{{\"amount\": 4200, \"currency\": \"EUR\"}}'\n"
    );
    println!("There is one charge:\n");
    println!("  curl {server}/payments -H 'Authorization: Bearer alice-token'");
    Ok(())
}
