//! A payments server that charges once per `Idempotency-Key`, however often the client retries.
//!
//! `cargo run -p payments-actix` starts it and prints what to try. A listen address can be given as the
//! first argument, and with `--features redis` or `--features postgres` the URL of a store as the second:
//! then any number of these servers share the keys.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::ErrorUnauthorized;
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{
    App, Either, Error, FromRequest, HttpRequest, HttpServer, Responder, get, post, rt, web,
};
use anyhow::{bail, ensure};
use idem_actix::{
    Drained, Idempotency, IdempotencyStore, MemoryStore, ScopeParts, ScopeValue, idempotent,
};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Every charge that was made, per tenant: what must not grow when a client retries.
#[derive(Default)]
struct Ledger(Mutex<HashMap<String, Vec<Payment>>>);

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

impl FromRequest for Tenant {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        ready(match header.and_then(|header| header.strip_prefix("Bearer ")) {
            Some("alice-token") => Ok(Self("acme".to_owned())),
            Some("carol-token") => Ok(Self("globex".to_owned())),
            _ => Err(ErrorUnauthorized("who are you?")),
        })
    }
}

/// A refusal is an answer like any other: it is stored and replayed.
const DECLINED: (&str, StatusCode) = ("the card was declined", StatusCode::PAYMENT_REQUIRED);

#[post("/payments")]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(
    ledger: web::Data<Ledger>,
    tenant: Tenant,
    web::Json(payment): web::Json<NewPayment>,
) -> impl Responder {
    if payment.amount >= 1_000_000 {
        return Either::Left(DECLINED);
    }
    Either::Right((web::Json(ledger.charge(tenant, payment)), StatusCode::CREATED))
}

#[get("/payments")]
async fn list_payments(ledger: web::Data<Ledger>, tenant: Tenant) -> web::Json<Vec<Payment>> {
    web::Json(ledger.of(&tenant))
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

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    // What goes wrong inside is told to nobody else.
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let store = store(std::env::args().nth(2)).await?;
    let idempotency = Idempotency::builder(store).namespace("payments").build();
    let (handle, ledger) = (web::Data::new(idempotency.clone()), web::Data::<Ledger>::default());
    let app = move || {
        let app = App::new().app_data(handle.clone()).app_data(ledger.clone());
        app.service(create_payment).service(list_payments)
    };

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    // Its own signal handling would stop the workers under charges whose clients have hung up.
    let server = HttpServer::new(app).disable_signals().shutdown_timeout(5).bind(address)?;
    let terminate = signal(SignalKind::terminate())?;
    print_what_to_try(&server.addrs());
    let server = server.run();
    let control = server.handle();
    let served = rt::spawn(server);
    asked_to_stop(terminate).await;

    // Let them finish and be recorded first.
    let drained = idem_actix::stop(&control, idempotency.drain(Duration::from_secs(30))).await;
    served.await??;
    ensure!(drained == Drained::Finished, "payments were cut off: {drained:?}");
    Ok(())
}

async fn store(url: Option<String>) -> anyhow::Result<Arc<dyn IdempotencyStore>> {
    Ok(match url.as_deref() {
        None => Arc::new(MemoryStore::new()),
        #[cfg(feature = "redis")]
        Some(url) if url.starts_with("redis") => {
            Arc::new(idem_actix::RedisStore::connect(url).await?)
        }
        #[cfg(feature = "postgres")]
        Some(url) if url.starts_with("postgres") => {
            Arc::new(idem_actix::PostgresStore::connect(url).await?)
        }
        Some(_) => bail!("no store for this URL; add `--features redis` or `--features postgres`"),
    })
}

/// Ctrl-C, or what containers and service managers send.
async fn asked_to_stop(mut terminate: Signal) {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn print_what_to_try(addresses: &[SocketAddr]) {
    for address in addresses {
        let server = format!("http://{address}");
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
    }
}
