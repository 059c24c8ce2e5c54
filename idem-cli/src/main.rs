//! The `idem` command: find, explain and resolve the idempotency records of a service.
//!
//! The [operator's guide](https://docs.rs/idem-cli) shows each command.

mod args;
mod commands;
mod failure;
mod output;
mod progress;
mod store;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

use args::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Errors are printed by the commands themselves; a warning of a store is worth a line.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(LevelFilter::WARN)
        .without_time()
        .init();
    match commands::run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
