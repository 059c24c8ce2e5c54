//! The life of a server process: how it says that it is ready, how it is asked to end, and how it ended.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use idem_core::Drained;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A drain that had to give something up.
const GAVE_UP: u8 = 3;

/// How much longer than runs their connections may take.
const GRACE: Duration = Duration::from_secs(2);

/// How the server ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// What became of the runs that have a key.
    pub drained: Drained,
    /// Whether a handler without a key was still running.
    pub cut_off: bool,
}

/// Says that connections are accepted: the only line on standard output.
///
/// # Errors
/// If nobody can read it.
pub fn announce(address: SocketAddr) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on http://{address}").context("standard output is closed")?;
    stdout.flush().context("standard output is closed")
}

/// Is cancelled when the process is asked to end. To be called in a runtime.
///
/// # Errors
/// If signals cannot be heard of.
pub fn asked_to_end() -> Result<CancellationToken> {
    let mut term = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    let asked = CancellationToken::new();
    let told = asked.clone();
    tokio::spawn(async move {
        term.recv().await;
        told.cancel();
    });
    Ok(asked)
}

/// When connections are cut off, if the drain of runs begins now and may take that long.
#[must_use]
pub fn deadline(drain: Duration) -> Instant {
    Instant::now() + drain + GRACE
}

/// How the process ends: 0 if every handler came to its end, 3 if some were given up, 1 for an error.
pub fn exit_code(ended: Result<Ended>) -> ExitCode {
    match ended {
        Ok(Ended { drained: Drained::Finished, cut_off: false }) => ExitCode::SUCCESS,
        Ok(Ended { drained, cut_off }) => {
            tracing::error!(?drained, cut_off, "the drain's deadline passed");
            ExitCode::from(GAVE_UP)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
