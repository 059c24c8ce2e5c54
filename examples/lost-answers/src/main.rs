//! A network that loses answers, between a client and the payments example.
//!
//! `cargo run -p lost-answers` pays four times over it: with one key for all attempts, which charges once;
//! with a key in a file, by a client that crashes and comes back, which charges once; with a new key for each
//! attempt, and, at a service that asks for none, without a key, which both charge for every answer that got
//! lost. It starts `payments-axum` itself; each attempt's span goes to standard error.

mod proxy;
mod server;
mod unguarded;

use std::io::{self, IsTerminal};

use anyhow::{Result, bail, ensure};
use idem_client::{
    FileKeyStore, IdempotencyKey, IdempotencyMiddleware, IdempotentRequest, KeyStore, Reply,
    RetryPolicy,
};
use reqwest::{Client, redirect};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use serde_json::{Value, json};
use tracing_subscriber::fmt::format::FmtSpan;

use proxy::Proxy;
use server::Server;
use unguarded::Unguarded;

#[tokio::main]
async fn main() -> Result<()> {
    show_spans();
    let server = Server::start()?;

    println!(
        "Of four answers, the network swallows one, cuts one off, and resets the connection of one.\n"
    );
    let before = charges(&server).await?;
    let answer = pay_with_one_key(&Proxy::start(server.address).await?).await?;
    println!("one key, kept over all attempts: {answer}");
    println!("  charges: {}\n", charges(&server).await? - before);

    let before = charges(&server).await?;
    let answer = pay_across_a_crash(&Proxy::start(server.address).await?).await?;
    println!("one key, kept over a crash: {answer}");
    println!("  charges: {}\n", charges(&server).await? - before);

    let before = charges(&server).await?;
    let new_key = |payment: RequestBuilder| payment.idempotency_key(&IdempotencyKey::random());
    let answer = pay_in_a_loop(&Proxy::start(server.address).await?, new_key).await?;
    println!("a new key for each attempt: {answer}");
    println!("  charges: {}\n", charges(&server).await? - before);

    let unguarded = Unguarded::start().await?;
    let answer = pay_in_a_loop(&Proxy::start(unguarded.address).await?, |payment| payment).await?;
    println!("no key, and a service that asks for none: {answer}");
    println!("  charges: {}", unguarded.charges());
    Ok(())
}

fn show_spans() {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_span_events(FmtSpan::CLOSE)
        .without_time()
        .init();
}

async fn pay_with_one_key(network: &Proxy) -> Result<String> {
    let client = client(RetryPolicy::new())?;
    Ok(describe(&payment(&client, network).send_idempotent().await?))
}

/// The first client has sent its only attempt when it is gone, as in a crash; the second knows no more than
/// which order to pay, and finds the key.
async fn pay_across_a_crash(network: &Proxy) -> Result<String> {
    let directory = tempfile::tempdir()?;
    let pay = async |client: ClientWithMiddleware| {
        let keys = FileKeyStore::new(directory.path())?;
        let request = payment(&client, network).idempotency_key_from(&keys, "order-1001").await?;
        let answer = request.send_idempotent().await;
        if answer.as_ref().is_ok_and(|answer| answer.response().status().is_success()) {
            keys.forget("order-1001").await?;
        }
        anyhow::Ok(answer)
    };
    let lost = pay(client(RetryPolicy::new().attempts(1))?).await?;
    ensure!(lost.is_err(), "the network lost no answer");
    Ok(describe(&pay(client(RetryPolicy::new())?).await??))
}

fn client(policy: RetryPolicy) -> Result<ClientWithMiddleware> {
    let middleware = IdempotencyMiddleware::new().policy(policy);
    Ok(middleware.attach(ClientBuilder::new(http()?)).build())
}

fn describe(answer: &Reply) -> String {
    let origin = if answer.is_replayed() { "replayed" } else { "fresh" };
    format!("{}, {origin}", answer.response().status())
}

/// The loop that everybody writes, whose attempts have nothing in common that a service could know them by.
async fn pay_in_a_loop(
    network: &Proxy,
    prepare: impl Fn(RequestBuilder) -> RequestBuilder,
) -> Result<String> {
    let client = ClientBuilder::new(http()?).build();
    for _ in 0..10 {
        let attempt = prepare(payment(&client, network));
        let Ok(response) = attempt.send().await else { continue };
        let status = response.status();
        if response.bytes().await.is_ok() {
            return Ok(format!("{status}, after every lost answer was tried again"));
        }
    }
    bail!("the network lost all answers")
}

/// A client that opens a connection for each attempt, as a network that resets them makes it do anyway.
fn http() -> reqwest::Result<Client> {
    let client = Client::builder().no_proxy().redirect(redirect::Policy::none());
    client.pool_max_idle_per_host(0).build()
}

fn payment(client: &ClientWithMiddleware, network: &Proxy) -> RequestBuilder {
    client
        .post(format!("http://{}/payments", network.address))
        .bearer_auth("alice-token")
        .json(&json!({"amount": 4200, "currency": "EUR"}))
}

/// What was charged, asked for without the network between.
async fn charges(server: &Server) -> Result<usize> {
    let request = http()?.get(format!("http://{}/payments", server.address));
    let list: Vec<Value> = request.bearer_auth("alice-token").send().await?.json().await?;
    Ok(list.len())
}
