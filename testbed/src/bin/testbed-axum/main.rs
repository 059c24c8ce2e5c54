//! The testbed on axum.

mod control;
mod extract;
mod layers;
mod respond;
mod routes;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::FromRef;
use clap::Parser;
use idem_axum::{Drained, Idempotency};
use testbed::control::Control;
use testbed::flags::Flags;
use testbed::logs::Logs;
use testbed::service::Service;
use testbed::{process, store};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// How long connections may take to close once the runs are drained.
const GRACE: Duration = Duration::from_secs(2);

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

async fn serve(flags: &Flags) -> Result<Drained> {
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
    // Connections close once their runs end, and runs whose clients left have no connection: both end
    // together.
    let drained = idempotency.drain(flags.drain()).await;
    if timeout(GRACE, &mut served).await.is_err() {
        served.abort();
    }
    Ok(drained)
}

fn router(app: App, transacts: bool) -> Router {
    layers::outside(layers::inside(routes::routes(transacts)).merge(control::routes()))
        .with_state(app)
}
