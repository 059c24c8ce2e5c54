//! A payments server that charges once per `Idempotency-Key`, however often the client retries.
//!
//! `cargo run -p payments-axum -- --store sqlite:payments.db` starts it and prints commands to try.
//!
//! All servers with the same store share the keys. Without `--store`, the keys are in memory. The features `redis` and
//! `postgres` add those stores. With `--monitor`, the server has `/metrics` and `/health`.

mod monitoring;

use std::collections::HashMap;
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail, ensure};
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{StatusCode, request::Parts};
use axum::routing::post;
use axum::{Json, Router};
use clap::Parser;
use idem_axum::{
    Drained, Idempotency, IdempotencyStore, MemoryStore, ScopeParts, ScopeValue, SqliteStore,
    idempotent,
};
use monitoring::Monitoring;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    ledger: Ledger,
}

/// All charges of each tenant. A retry must not add one.
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

/// The authenticated tenant. It comes from the bearer token, never from other data that the client sends.
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

/// A declined payment is stored and replayed like any other response.
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

/// A payments server that charges once per `Idempotency-Key`
#[derive(Parser)]
struct Args {
    /// Address to listen on
    #[arg(long, env = "IDEM_LISTEN", default_value = "127.0.0.1:3000")]
    listen: String,
    /// Store of the keys: `sqlite:FILE`, `redis://…` or `postgres://…`; in memory if omitted
    #[arg(long, env = "IDEM_STORE", hide_env_values = true)]
    store: Option<String>,
    /// Also serve `/metrics` and `/health`
    #[arg(long)]
    monitor: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Log to stderr; clients never see internal errors.
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Args { listen, store, monitor }: Args) -> anyhow::Result<()> {
    let store = open(store).await?;
    let monitoring = monitor.then(Monitoring::start).transpose()?;
    let mut builder = Idempotency::builder(store).namespace("payments");
    if let Some(monitoring) = &monitoring {
        builder = monitoring.observe(builder);
    }
    let idempotency = builder.build();
    let app = App { idempotency: idempotency.clone(), ledger: Ledger::default() };
    let router =
        Router::new().route("/payments", post(create_payment).get(list_payments)).with_state(app);
    let router = match monitoring {
        Some(monitoring) => router.merge(monitoring.routes(&idempotency)),
        None => router,
    };

    let listener = TcpListener::bind(&listen).await.with_context(|| {
        format!("cannot listen on {listen}; pass another address with `--listen`")
    })?;
    print_usage(&listener)?;
    // On Ctrl-C or SIGTERM, charges whose clients have disconnected finish and store their responses.
    let drained = idem_axum::serve(listener, router, &idempotency).await?;
    ensure!(
        drained == Drained::Finished,
        "some payments were still running after 30 s: {drained:?}"
    );
    Ok(())
}

async fn open(url: Option<String>) -> anyhow::Result<Arc<dyn IdempotencyStore>> {
    Ok(match url.as_deref() {
        None => Arc::new(MemoryStore::new()),
        Some(url) if url.starts_with("sqlite:") => Arc::new(SqliteStore::open(url).await?),
        #[cfg(feature = "redis")]
        Some(url) if url.starts_with("redis") => Arc::new(
            idem_axum::RedisStore::connect(url)
                .await
                .context("cannot connect to Redis; check the URL after `--store`")?,
        ),
        #[cfg(feature = "postgres")]
        Some(url) if url.starts_with("postgres") => Arc::new(
            idem_axum::PostgresStore::connect(url)
                .await
                .context("cannot connect to Postgres; check the URL after `--store`")?,
        ),
        Some(_) => bail!(
            "unsupported store URL; use `sqlite:FILE`, `redis://…` with `--features redis`, or `postgres://…` with `--features postgres`"
        ),
    })
}

fn print_usage(listener: &TcpListener) -> io::Result<()> {
    let server = format!("http://{}", listener.local_addr()?);
    println!("listening on {server}\n");
    println!(
        "Send this twice. The second response repeats the first one, with `idempotent-replayed: true`:\n"
    );
    println!("  curl -i {server}/payments -H 'Authorization: Bearer alice-token' \\");
    println!(
        "       -H 'Idempotency-Key: order-1001' --json '{{\"amount\": 4200, \"currency\": \"EUR\"}}'\n"
    );
    println!("List the charges. There is only one:\n");
    println!("  curl {server}/payments -H 'Authorization: Bearer alice-token'");
    Ok(())
}
