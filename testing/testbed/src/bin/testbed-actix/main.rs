//! The testbed on actix-web.

mod control;
mod extract;
mod guard;
mod layers;
mod routes;

use std::process::ExitCode;
use std::time::Duration;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, JsonConfig, PayloadConfig, scope};
use actix_web::{App, HttpServer};
use anyhow::{Context, Result};
use clap::Parser;
use guard::Guard;
use idem_testkit::app::MAX_REQUEST;
use testbed::flags::Flags;
use testbed::logs::Logs;
use testbed::process::{self, Shutdown};
use testbed::store;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;
use tokio_util::task::TaskTracker;

#[actix_web::main]
async fn main() -> ExitCode {
    process::exit_code(serve(&Flags::parse()).await)
}

async fn serve(flags: &Flags) -> Result<Shutdown> {
    let testbed::App { idempotency, service, control, has_transactions } =
        store::open(flags, Logs::start()).await?;
    let requested = process::shutdown_requested()?;
    let (handle, service, control) =
        (Data::new(idempotency.clone()), Data::new(service), Data::new(control));
    let running = TaskTracker::new();
    let counter = Data::new(running.clone());
    let places = flags.max_requests.unwrap_or(Semaphore::MAX_PERMITS);
    let places = Data::new(Semaphore::new(places));
    let health = idempotency.clone();
    let guard = Guard::new(flags.form, &idempotency);
    let app = move || {
        let guard = guard.clone();
        App::new()
            .app_data(handle.clone())
            .app_data(service.clone())
            .app_data(control.clone())
            .app_data(counter.clone())
            .app_data(places.clone())
            .app_data(PayloadConfig::new(MAX_REQUEST))
            .app_data(JsonConfig::default().limit(MAX_REQUEST).error_handler(layers::refused))
            .wrap(Compress::default())
            .wrap(layers::cors())
            .wrap(from_fn(layers::counted))
            .route("/health", idem_actix::health(health.clone()))
            .configure(control::routes)
            .service(
                scope("")
                    .wrap(from_fn(layers::limited))
                    .wrap(from_fn(layers::authenticate))
                    .configure(move |app| routes::routes(app, &guard, has_transactions)),
            )
    };
    let server = HttpServer::new(app)
        .disable_signals()
        // After the drain, only unsent responses and idle connections are left. actix-web does not close idle
        // connections itself.
        .shutdown_timeout(2)
        // Long timeouts, because a slow client on a busy machine is not an attack.
        .keep_alive(Duration::from_secs(60))
        .client_request_timeout(Duration::from_secs(60));
    let server = server.bind_auto_h2c(flags.listen).context("cannot bind the address")?;
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    let served = tokio::spawn(server);
    process::announce(address)?;

    requested.cancelled().await;
    let deadline = process::deadline(flags.drain());
    let drain = async {
        let drained = idempotency.drain(flags.drain()).await;
        running.close();
        let cut_off = timeout_at(deadline, running.wait()).await.is_err();
        Shutdown { drained, cut_off }
    };
    let shutdown = idem_actix::stop(&handle, drain).await;
    served.await??;
    Ok(shutdown)
}
