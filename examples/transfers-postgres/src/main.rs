//! A server that moves money between accounts in the same transaction as the record of the
//! `Idempotency-Key`. Both are committed or neither is, whenever a process is killed.
//!
//! `cargo run -p transfers-postgres -- --store postgres://postgres@127.0.0.1/postgres` starts it and prints commands
//! to try.

use std::io;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use axum::extract::{FromRef, FromRequestParts, Path, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{StatusCode, request::Parts};
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Parser;
use idem_axum::postgres::sqlx::{self, PgPool};
use idem_axum::{Drained, Idempotency, PostgresStore, ScopeParts, ScopeValue, Tx, idempotent};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    database: PgPool,
}

#[derive(Deserialize)]
struct NewTransfer {
    payee: String,
    cents: i64,
    invoice: String,
}

#[derive(Serialize)]
struct Transfer {
    id: i64,
    cents: i64,
}

/// The authenticated payer. It comes from the bearer token, never from other data that the client sends.
struct Payer(String);

impl ScopeValue for Payer {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

impl<S: Sync> FromRequestParts<S> for Payer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        match header.and_then(|header| header.strip_prefix("Bearer ")) {
            Some("alice-token") => Ok(Self("alice".to_owned())),
            Some("bob-token") => Ok(Self("bob".to_owned())),
            _ => Err(StatusCode::UNAUTHORIZED),
        }
    }
}

/// An error response. It rolls back what the handler wrote, and is stored and replayed.
type Rejected = (StatusCode, &'static str);
const INSUFFICIENT_FUNDS: Rejected =
    (StatusCode::PAYMENT_REQUIRED, "the balance of the account is too low");
const UNKNOWN_PAYEE: Rejected = (StatusCode::NOT_FOUND, "the payee does not exist");
const ALREADY_PAID: Rejected = (StatusCode::CONFLICT, "the invoice is already paid");
const INVALID_AMOUNT: Rejected = (StatusCode::BAD_REQUEST, "the amount must be greater than zero");

#[idempotent(ttl = "24h", scope = "payer")]
async fn create_transfer(
    mut tx: Tx,
    payer: Payer,
    Json(order): Json<NewTransfer>,
) -> Result<(StatusCode, Json<Transfer>), Rejected> {
    let NewTransfer { payee, cents, invoice } = order;
    if cents <= 0 {
        return Err(INVALID_AMOUNT);
    }
    // Lock in a fixed order, so that two transfers in opposite directions cannot deadlock.
    let lock = "SELECT id FROM account WHERE id IN ($1, $2) ORDER BY id FOR UPDATE";
    let lock = sqlx::query(lock).bind(&payer.0).bind(&payee).fetch_all(&mut *tx);
    if lock.await.map_err(failed)?.len() < 2 {
        return Err(UNKNOWN_PAYEE);
    }
    let credit = "UPDATE account SET cents = cents + $1 WHERE id = $2";
    let credit = sqlx::query(credit).bind(cents).bind(&payee).execute(&mut *tx);
    credit.await.map_err(failed)?;
    let debit = "UPDATE account SET cents = cents - $1 WHERE id = $2 AND cents >= $1";
    let debit = sqlx::query(debit).bind(cents).bind(&payer.0).execute(&mut *tx);
    if debit.await.map_err(failed)?.rows_affected() == 0 {
        return Err(INSUFFICIENT_FUNDS);
    }
    let record = "INSERT INTO transfer (payer, payee, cents, invoice) VALUES ($1, $2, $3, $4)
                  ON CONFLICT (payer, invoice) DO NOTHING RETURNING id";
    let record = sqlx::query_scalar(record).bind(payer.0).bind(payee).bind(cents).bind(invoice);
    let id = record.fetch_optional(&mut *tx).await.map_err(failed)?.ok_or(ALREADY_PAID)?;
    Ok((StatusCode::CREATED, Json(Transfer { id, cents })))
}

/// A 500 rolls back the transaction and releases the key, so the client may retry.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(error: sqlx::Error) -> Rejected {
    eprintln!("database error: {error}");
    (StatusCode::INTERNAL_SERVER_ERROR, "database error; retry with the same key")
}

async fn balance(State(db): State<PgPool>, Path(id): Path<String>) -> Result<String, StatusCode> {
    let read = sqlx::query_scalar::<_, i64>("SELECT cents FROM account WHERE id = $1").bind(id);
    let cents = read.fetch_optional(&db).await.map_err(|error| failed(error).0)?;
    Ok(cents.ok_or(StatusCode::NOT_FOUND)?.to_string())
}

/// A server that moves money in the same Postgres transaction as the record of the `Idempotency-Key`
#[derive(Parser)]
struct Args {
    /// Address to listen on
    #[arg(long, env = "IDEM_LISTEN", default_value = "127.0.0.1:3000")]
    listen: String,
    /// Postgres database for the accounts and the keys, such as postgres://postgres@127.0.0.1/postgres
    #[arg(long, env = "IDEM_STORE", hide_env_values = true, value_name = "URL")]
    store: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Args { listen, store: url }: Args) -> anyhow::Result<()> {
    let store = PostgresStore::connect(&url).await?;
    let database = PgPool::connect(&url).await.context("cannot connect to the database")?;
    let schema = sqlx::raw_sql(include_str!("schema.sql"));
    schema.execute(&database).await.context("cannot create the tables of the example")?;
    let idempotency = Idempotency::builder(store).namespace("transfers").build();

    let router = Router::new()
        .route("/transfers", post(create_transfer))
        .route("/accounts/{id}", get(balance))
        .with_state(App { idempotency: idempotency.clone(), database });
    let listener = TcpListener::bind(&listen).await.with_context(|| {
        format!("cannot listen on {listen}; pass another address with `--listen`")
    })?;
    print_usage(&listener)?;
    let drained = idem_axum::serve(listener, router, &idempotency).await?;
    ensure!(
        drained == Drained::Finished,
        "some transfers were still running after 30 s and were rolled back: {drained:?}"
    );
    Ok(())
}

fn print_usage(listener: &TcpListener) -> io::Result<()> {
    let server = format!("http://{}", listener.local_addr()?);
    println!("listening on {server}\n");
    println!(
        "Send this twice. The second response repeats the first one, with `idempotent-replayed: true`:\n"
    );
    println!("  curl -i {server}/transfers -H 'Authorization: Bearer alice-token' \\");
    println!("       -H 'Idempotency-Key: order-1001' \\");
    println!("       --json '{{\"payee\": \"bob\", \"cents\": 4200, \"invoice\": \"2026-17\"}}'\n");
    println!("Check the balance. The money moved once:\n\n  curl {server}/accounts/alice");
    Ok(())
}
