//! The life of a server process: readiness, shutdown and exit code.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use idem_core::Drained;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The exit code of a drain that gave up a run.
const GAVE_UP: u8 = 3;

/// The additional time for connections after the drain of the runs.
const GRACE: Duration = Duration::from_secs(2);

/// The end of the server.
#[derive(Clone, Copy, Debug)]
pub struct Shutdown {
    /// The result of the drain of guarded runs.
    pub drained: Drained,
    /// Whether an unguarded handler was still running.
    pub cut_off: bool,
}

/// Reports that the server accepts connections, by the only line on standard output.
///
/// # Errors
/// If standard output is closed.
pub fn announce(address: SocketAddr) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on http://{address}").context("standard output is closed")?;
    stdout.flush().context("standard output is closed")
}

/// Returns a token that SIGTERM cancels. Must be called in a Tokio runtime.
///
/// # Errors
/// If SIGTERM cannot be handled.
pub fn shutdown_requested() -> Result<CancellationToken> {
    let mut term = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let requested = CancellationToken::new();
    let token = requested.clone();
    tokio::spawn(async move {
        term.recv().await;
        token.cancel();
    });
    Ok(requested)
}

/// Returns the time at which connections are closed, if the drain of the runs begins now and takes at most
/// `drain`.
#[must_use]
pub fn deadline(drain: Duration) -> Instant {
    Instant::now() + drain + GRACE
}

/// Returns the exit code: 0 if every handler ended, 3 if a handler was given up, and 1 for an error.
pub fn exit_code(ended: Result<Shutdown>) -> ExitCode {
    match ended {
        Ok(Shutdown { drained: Drained::Finished, cut_off: false }) => ExitCode::SUCCESS,
        Ok(Shutdown { drained, cut_off }) => {
            tracing::error!(?drained, cut_off, "the drain exceeded its deadline");
            ExitCode::from(GAVE_UP)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
