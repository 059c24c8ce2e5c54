//! Serving until a signal, and the [shutdown](crate::rules::guarantees#shutdown) that follows it.

use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Fuse, FusedFuture, join};
use tokio::time::timeout;

use crate::engine::{Drained, Idempotency};

/// The time for which a server may send its last responses, after all runs have ended.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves until a signal, and then drains. The `serve` functions of the adapters use it.
pub struct Shutdown {
    idempotency: Idempotency,
    deadline: Duration,
    signal: Option<BoxFuture<'static, ()>>,
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Shutdown {
    /// A shutdown on SIGTERM or Ctrl-C, which waits for up to 30 s for active runs.
    pub fn of(idempotency: &Idempotency) -> Self {
        let deadline = Duration::from_secs(30);
        Self { idempotency: idempotency.clone(), deadline, signal: None }
    }

    /// Sets the time for which active runs may continue.
    #[must_use]
    pub fn drain_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Begins when `signal` is ready, in place of the signals of the process.
    #[must_use]
    pub fn on(self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { signal: Some(signal.boxed()), ..self }
    }

    /// Polls `server` until the signal. Then awaits `pause`, which makes the server accept no more connections, and drains
    /// the active runs. Then awaits `end`, which makes the server end, and the server itself, for up to
    /// [`RESPONSE_TIMEOUT`]. A second signal of the process skips the rest: the active runs are given up.
    ///
    /// # Errors
    /// The error of the server, or of the installation of the signal handlers.
    ///
    /// Cancel safe: a drain that has begun refuses requests, and the active runs continue.
    pub async fn serve(
        self,
        server: impl Future<Output = io::Result<()>>,
        pause: impl Future<Output = ()>,
        end: impl Future<Output = ()>,
    ) -> io::Result<Drained> {
        let Self { idempotency, deadline, signal } = self;
        let mut server = pin!(server.fuse());
        let mut signals = match signal {
            Some(signal) => Signals::Given(signal.fuse()),
            None => Signals::of_process()?,
        };
        tokio::select! {
            ended = &mut server => ended?,
            () = signals.next() => {}
        }
        tracing::info!("shutting down: new requests are refused, and active runs may finish");
        let drain = async {
            let drain = async {
                pause.await;
                idempotency.drain(deadline).await
            };
            let drained = beside(server.as_mut(), drain).await?;
            if !server.is_terminated() {
                // A client that does not read its response must not keep the process.
                if let Ok(((), ended)) = timeout(RESPONSE_TIMEOUT, join(end, server)).await {
                    ended?;
                }
            }
            Ok(drained)
        };
        tokio::select! {
            drained = drain => drained,
            () = signals.next() => {
                tracing::warn!("a second signal: active runs are given up");
                Ok(idempotency.drain(Duration::ZERO).await)
            }
        }
    }
}

/// Awaits `step`, and polls the server meanwhile.
async fn beside<S, T>(mut server: Pin<&mut Fuse<S>>, step: impl Future<Output = T>) -> io::Result<T>
where
    S: Future<Output = io::Result<()>>,
{
    let mut step = pin!(step);
    tokio::select! {
        result = &mut step => Ok(result),
        ended = &mut server => {
            ended?;
            Ok(step.await)
        }
    }
}

/// The signals that begin a shutdown.
enum Signals {
    /// A future, which is ready once.
    Given(Fuse<BoxFuture<'static, ()>>),
    /// SIGTERM and Ctrl-C.
    #[cfg(unix)]
    Process { terminate: tokio::signal::unix::Signal, interrupt: tokio::signal::unix::Signal },
    /// Ctrl-C.
    #[cfg(not(unix))]
    Process,
}

impl Signals {
    #[cfg(unix)]
    fn of_process() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self::Process { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn of_process() -> io::Result<Self> {
        Ok(Self::Process)
    }

    /// Waits for the next signal.
    async fn next(&mut self) {
        match self {
            Self::Given(signal) if signal.is_terminated() => pending().await,
            Self::Given(signal) => signal.await,
            #[cfg(unix)]
            Self::Process { terminate, interrupt } => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            #[cfg(not(unix))]
            Self::Process => {
                if tokio::signal::ctrl_c().await.is_err() {
                    pending().await
                }
            }
        }
    }
}
