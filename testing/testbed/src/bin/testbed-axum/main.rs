//! The testbed on axum.

mod control;
mod extract;
mod guard;
mod layers;
mod routes;

use std::process::ExitCode;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::FromRef;
use clap::Parser;
use guard::Guard;
use idem_axum::Idempotency;
use idem_testkit::app::Service;
use testbed::control::Control;
use testbed::flags::Flags;
use testbed::logs::Logs;
use testbed::process::{self, Shutdown};
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

async fn serve(flags: &Flags) -> Result<Shutdown> {
    let testbed::App { idempotency, service, control, has_transactions } =
        store::open(flags, Logs::start()).await?;
    let app = App { idempotency: idempotency.clone(), service, control };
    let requested = process::shutdown_requested()?;
    let listener = TcpListener::bind(flags.listen).await.context("cannot bind the address")?;
    process::announce(listener.local_addr()?)?;
    let guard = Guard::new(flags.form, &idempotency);
    let routes = routes::routes(&guard, has_transactions);
    let routes = layers::limited(routes, flags.max_requests);
    let server = axum::serve(listener, router(app, routes));
    let mut served = tokio::spawn(
        server.with_graceful_shutdown(requested.clone().cancelled_owned()).into_future(),
    );

    requested.cancelled().await;
    // Both are needed: connections close when their handlers end, but runs whose clients have disconnected have
    // no connection.
    let deadline = process::deadline(flags.drain());
    let drained = idempotency.drain(flags.drain()).await;
    let cut_off = timeout_at(deadline, &mut served).await.is_err();
    served.abort();
    Ok(Shutdown { drained, cut_off })
}

fn router(app: App, routes: Router<App>) -> Router {
    let health = idem_axum::health(app.idempotency.clone());
    let control = control::routes().route("/health", health);
    layers::outside(layers::inside(routes).merge(control)).with_state(app)
}
