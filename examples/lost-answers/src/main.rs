//! A network that loses responses, between a client and the example `payments-axum`.
//!
//! `cargo run -p lost-answers` pays in four ways:
//!
//! - with one key for all attempts: one charge,
//! - with a key in a file, by a client that crashes and is started again: one charge,
//! - with a new key for each attempt: one charge for each attempt,
//! - without a key, at a service that requires none: one charge for each attempt.
//!
//! It starts `payments-axum` itself. The span of each attempt is printed to standard error.

mod proxy;
mod server;
mod unguarded;

use std::io::{self, IsTerminal};

use anyhow::{Context, Result, bail, ensure};
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
        "Of four responses, the network drops one, truncates one, and resets the connection of one.\n"
    );
    let before = charges(&server).await?;
    let reply = pay_with_one_key(&Proxy::start(server.address).await?).await?;
    println!("one key for all attempts: {reply}");
    println!("  charges: {}\n", charges(&server).await? - before);

    let before = charges(&server).await?;
    let reply = pay_across_a_crash(&Proxy::start(server.address).await?).await?;
    println!("one key, kept in a file over a crash: {reply}");
    println!("  charges: {}\n", charges(&server).await? - before);

    let before = charges(&server).await?;
    let new_key = |payment: RequestBuilder| payment.idempotency_key(&IdempotencyKey::random());
    let reply = pay_in_a_loop(&Proxy::start(server.address).await?, new_key).await?;
    println!("a new key for each attempt: {reply}");
    println!("  charges: {}\n", charges(&server).await? - before);

    let unguarded = Unguarded::start().await?;
    let reply = pay_in_a_loop(&Proxy::start(unguarded.address).await?, |payment| payment).await?;
    println!("no key, at a service that requires none: {reply}");
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

/// Pays with two clients. The first makes one attempt and is gone, as after a crash. The second has only the
/// name of the order, and finds the key in the file.
async fn pay_across_a_crash(network: &Proxy) -> Result<String> {
    let directory = tempfile::tempdir()?;
    let pay = async |client: ClientWithMiddleware| {
        let keys = FileKeyStore::new(directory.path())?;
        let request = payment(&client, network).idempotency_key_from(&keys, "order-1001").await?;
        let result = request.send_idempotent().await;
        if result.as_ref().is_ok_and(|reply| reply.response().status().is_success()) {
            keys.forget("order-1001").await?;
        }
        anyhow::Ok(result)
    };
    let lost = pay(client(RetryPolicy::new().attempts(1))?).await?;
    ensure!(lost.is_err(), "the network delivered the first response, which it should lose");
    Ok(describe(&pay(client(RetryPolicy::new())?).await??))
}

fn client(policy: RetryPolicy) -> Result<ClientWithMiddleware> {
    let middleware = IdempotencyMiddleware::new().policy(policy);
    Ok(middleware.attach(ClientBuilder::new(http()?)).build())
}

fn describe(reply: &Reply) -> String {
    let origin = if reply.is_replayed() { "replayed" } else { "fresh" };
    format!("{}, {origin}", reply.response().status())
}

/// The usual retry loop. Its attempts have no common key, so the service cannot recognize them as one payment.
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
            return Ok(format!("{status}, after a retry for every lost response"));
        }
    }
    bail!("the network lost the responses to 10 attempts; it should deliver one of four")
}

/// A client that opens a new connection for each attempt, because the proxy treats each connection separately.
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

/// The number of charges, read directly from the server, without the lossy network.
async fn charges(server: &Server) -> Result<usize> {
    let request = http()?.get(format!("http://{}/payments", server.address));
    let response =
        request.bearer_auth("alice-token").send().await.context("cannot list the charges")?;
    let list: Vec<Value> = response.json().await.context("the list of charges is not JSON")?;
    Ok(list.len())
}
