//! The testbed on axum.

mod control;
mod extract;
mod layers;
mod respond;
mod routes;

use std::process::ExitCode;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::FromRef;
use clap::Parser;
use idem_axum::Idempotency;
use testbed::control::Control;
use testbed::flags::Flags;
use testbed::logs::Logs;
use testbed::process::{self, Ended};
use testbed::service::Service;
use testbed::store;
use tokio::net::TcpListener;
use tokio::time::timeout_at;

#[derive(Clone, FromRef)]
struct App {
    idempotency: Idempotency,
    service: Service,
    control: Control,
}

#[tokio::main]
async fn main() -> ExitCode {
    process::exit_code(serve(&Flags::parse()).await)
}

async fn serve(flags: &Flags) -> Result<Ended> {
    let testbed::App { idempotency, service, control, transacts } =
        store::open(flags, Logs::start()).await?;
    let app = App { idempotency: idempotency.clone(), service, control };
    let asked = process::asked_to_end()?;
    let listener = TcpListener::bind(flags.listen).await.context("the address is taken")?;
    process::announce(listener.local_addr()?)?;
    let server = axum::serve(listener, router(app, transacts));
    let mut served =
        tokio::spawn(server.with_graceful_shutdown(asked.clone().cancelled_owned()).into_future());

    asked.cancelled().await;
    // Connections close once their handlers end, and runs whose clients left have no connection: neither
    // waits for the other.
    let deadline = process::deadline(flags.drain());
    let drained = idempotency.drain(flags.drain()).await;
    let cut_off = timeout_at(deadline, &mut served).await.is_err();
    served.abort();
    Ok(Ended { drained, cut_off })
}

fn router(app: App, transacts: bool) -> Router {
    layers::outside(layers::inside(routes::routes(transacts)).merge(control::routes()))
        .with_state(app)
}
