//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// A payments server to be tested over HTTP
#[derive(Clone, Debug, Parser)]
#[command(args_override_self = true)]
pub struct Flags {
    /// Where to listen; port 0 picks a free one
    #[arg(long)]
    pub listen: SocketAddr,
    /// Where records are kept: `memory:`, `redis://…` or `postgres://…`
    #[arg(long)]
    pub store: String,
    /// Separates runs that share one server
    #[arg(long, default_value = "testbed")]
    pub namespace: String,
    /// Appends every handler entry and every effect to this file too, a line of JSON each
    #[arg(long)]
    pub effects: Option<PathBuf>,
    /// Where effects are counted, if not where the store keeps its records
    #[arg(long)]
    pub ledger: Option<String>,
    /// How long SIGTERM waits for running handlers
    #[arg(long, default_value = "30s")]
    pub drain: humantime::Duration,
}

impl Flags {
    /// How long SIGTERM waits for running handlers.
    pub fn drain(&self) -> Duration {
        self.drain.into()
    }
}
