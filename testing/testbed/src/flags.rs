//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// A payments server for tests over HTTP
#[derive(Clone, Debug, Parser)]
#[command(args_override_self = true)]
pub struct Flags {
    /// Address to listen on; port 0 picks a free port
    #[arg(long)]
    pub listen: SocketAddr,
    /// Store of the records: `memory:`, `sqlite:…`, `redis://…` or `postgres://…`
    #[arg(long)]
    pub store: String,
    /// Guard of the routes: the attribute on their handlers, or a layer (a middleware on actix-web)
    #[arg(long, value_enum, default_value_t)]
    pub form: Form,
    /// Separates test runs that share one server
    #[arg(long, default_value = "testbed")]
    pub namespace: String,
    /// Also append every handler entry and effect to this file, as one JSON line each
    #[arg(long)]
    pub effects: Option<PathBuf>,
    /// Count effects in this store instead of the one of the records
    #[arg(long)]
    pub ledger: Option<String>,
    /// Maximum number of requests that are handled concurrently, like tower's `ConcurrencyLimitLayer`
    #[arg(long)]
    pub max_requests: Option<usize>,
    /// Maximum number of concurrent runs
    #[arg(long)]
    pub max_runs: Option<usize>,
    /// Time limit of a store call
    #[arg(long, default_value = "2s")]
    pub store_timeout: humantime::Duration,
    /// Body of refusals
    #[arg(long, value_enum, default_value_t)]
    pub refusal_format: Format,
    /// Time that SIGTERM waits for running handlers
    #[arg(long, default_value = "30s")]
    pub drain: humantime::Duration,
}

/// The built-in formats of refusals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Problem,
    Acp,
    Iceberg,
    Stripe,
}

/// The guard of the routes.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Form {
    /// The attribute on the handlers.
    #[default]
    Attribute,
    /// The layer of axum, or the middleware of actix-web, around plain handlers.
    #[value(alias = "middleware")]
    Layer,
}

impl Flags {
    /// Returns the time limit of a store call.
    pub fn store_timeout(&self) -> Duration {
        self.store_timeout.into()
    }

    /// Returns the time that SIGTERM waits for running handlers.
    pub fn drain(&self) -> Duration {
        self.drain.into()
    }
}
