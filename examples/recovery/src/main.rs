//! A payments server that finds out what became of a charge whose answer was lost.
//!
//! `cargo run -p recovery` starts it and its payment provider, and prints commands to try.
//!
//! Without `--store`, the keys are in memory.

mod provider;

use std::future::IntoFuture;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use clap::Parser;
use idem_axum::{
    Drained, Execution, Idempotency, IdempotencyStore, MemoryStore, Recovery, SqliteStore,
    idempotent,
};
use serde::Deserialize;
use tokio::net::TcpListener;

use provider::{Charge, Provider};

/// The longest time that the server waits for the provider.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    provider: Provider,
}

#[derive(Deserialize)]
struct NewPayment {
    order: String,
    amount: u64,
}

type Failure = (StatusCode, &'static str);

/// Another request may own the key, so nothing was sent. A 503 releases the key.
const NOT_SENT: Failure = (StatusCode::SERVICE_UNAVAILABLE, "try again");

/// The charge may exist. A 504 is ambiguous, so the next request runs `find_charge`.
const NO_ANSWER: Failure = (StatusCode::GATEWAY_TIMEOUT, "the charge may exist; try again");

// All callers share one key space, to keep the example short. Take the scope from authentication in a real service.
#[idempotent(
    ttl = "24h",
    scope = "global",
    recover = "find_charge(app, payment)",
    settle = "5s",
    label = "payment.order"
)]
async fn create_payment(
    State(app): State<App>,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<Charge>), Failure> {
    let execution = Execution::current();
    let valid_for = execution.confirm().await.map_err(|_| NOT_SENT)?;
    let reference = execution.downstream_key("charge").as_str().to_owned();
    let charge = Charge { reference, amount: payment.amount };
    let charged = app.provider.charge(&charge, valid_for.min(PROVIDER_TIMEOUT)).await;
    let charge = charged.map_err(|_| NO_ANSWER)?;
    Ok((StatusCode::CREATED, Json(charge)))
}

/// Looks the charge of a lost run up at the provider.
async fn find_charge(app: &App, payment: &NewPayment) -> Recovery<(StatusCode, Json<Charge>)> {
    let reference = Execution::current().downstream_key("charge");
    match app.provider.find(reference.as_str(), PROVIDER_TIMEOUT).await {
        Ok(Some(charge)) if charge.amount != payment.amount => {
            Recovery::Disputed(format!("{} charged, not {}", charge.amount, payment.amount))
        }
        Ok(Some(charge)) => Recovery::Happened((StatusCode::CREATED, Json(charge))),
        Ok(None) => Recovery::NotHappened,
        Err(_) => Recovery::Inconclusive,
    }
}

/// A payments server whose provider loses answers
#[derive(Parser)]
struct Args {
    /// Address to listen on
    #[arg(long, env = "IDEM_LISTEN", default_value = "127.0.0.1:3000")]
    listen: String,
    /// Address of the payment provider, which runs in this process
    #[arg(long, default_value = "127.0.0.1:3001")]
    provider: String,
    /// Store of the keys: `sqlite:FILE`; in memory if omitted
    #[arg(long, env = "IDEM_STORE", hide_env_values = true)]
    store: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let store: Arc<dyn IdempotencyStore> = match &args.store {
        None => Arc::new(MemoryStore::new()),
        Some(file) => Arc::new(SqliteStore::open(file).await?),
    };
    let listener = bind(&args.listen, "--listen").await?;
    let provider_listener = bind(&args.provider, "--provider").await?;
    let server = format!("http://{}", listener.local_addr()?);
    let provider = format!("http://{}", provider_listener.local_addr()?);
    tokio::spawn(axum::serve(provider_listener, provider::router()).into_future());

    let idempotency = Idempotency::builder(store).recheck(Duration::from_secs(1)).build();
    let app = App { idempotency: idempotency.clone(), provider: Provider::at(&provider) };
    let router = Router::new().route("/payments", post(create_payment)).with_state(app);
    print_usage(&server, &provider);
    // On Ctrl-C or SIGTERM, charges and recoveries whose clients have disconnected finish.
    let drained = idem_axum::serve(listener, router, &idempotency).await?;
    ensure!(drained == Drained::Finished, "some charges were still running after 30 s");
    Ok(())
}

async fn bind(address: &str, flag: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen on {address}; pass another address with `{flag}`"))
}

fn print_usage(server: &str, provider: &str) {
    println!("listening on {server}\nprovider on {provider}\n");
    println!("Let the provider lose its answer, pay, and pay again with the same key:\n");
    println!("  curl -X PUT {provider}/behaviour --json '\"loses-answers\"'");
    println!("  curl -i {server}/payments -H 'Idempotency-Key: order-1001' \\");
    println!("       --json '{{\"order\": \"1001\", \"amount\": 4200}}'\n");
    println!("The provider has one charge:\n\n  curl {provider}/charges");
}
