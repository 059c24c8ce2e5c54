//! A server that drains at shutdown.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, IntoFuture, ready};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use idem_core::http::Shutdown;
use idem_core::{Drained, Idempotency};
use tokio::sync::oneshot;
use tower_service::Service;

/// Serves a router like [`axum::serve`](fn@axum::serve) until SIGTERM or Ctrl-C, and then shuts down without losing a run.
///
/// ```no_run
/// use axum::Router;
/// use idem_axum::{Drained, Idempotency, MemoryStore};
/// use tokio::net::TcpListener;
///
/// #[tokio::main]
/// async fn main() -> std::io::Result<()> {
///     let idempotency = Idempotency::new(MemoryStore::new());
///     let router = Router::new().with_state(idempotency.clone());
///     let listener = TcpListener::bind("127.0.0.1:3000").await?;
///     let drained = idem_axum::serve(listener, router, &idempotency).await?;
///     assert_eq!(drained, Drained::Finished);
///     Ok(())
/// }
/// ```
///
/// It accepts everything that `axum::serve` accepts, such as a router with
/// [connect info](axum::Router::into_make_service_with_connect_info). On the signal:
///
/// 1. The server accepts no more connections, and requests on open ones are refused with 503 `store-unavailable`.
/// 2. The active runs may finish for 30 s, including those whose clients have disconnected
///    ([`Idempotency::drain`]). After that, they are given up.
/// 3. The last responses may be sent for 5 s.
///
/// A second signal gives up the active runs immediately. See [shutdown](idem_core::rules::guarantees#shutdown).
///
/// # Errors
/// If the signal handlers cannot be installed.
///
/// Cancel safe: if the future is dropped, the server accepts no more connections, and the active runs continue until the
/// runtime ends.
pub fn serve<L, M, S>(listener: L, make_service: M, idempotency: &Idempotency) -> Serve<L, M, S>
where
    L: Listener,
    M: for<'a> Service<IncomingStream<'a, L>, Error = Infallible, Response = S>,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let server = axum::serve(listener, make_service);
    Serve { server, shutdown: Shutdown::of(idempotency) }
}

/// The future of a server. Returned by [`serve`].
#[must_use = "a server does nothing unless it is awaited"]
pub struct Serve<L, M, S> {
    server: axum::serve::Serve<L, M, S>,
    shutdown: Shutdown,
}

impl<L, M, S> fmt::Debug for Serve<L, M, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("shutdown", &self.shutdown).finish_non_exhaustive()
    }
}

impl<L, M, S> Serve<L, M, S> {
    /// Sets the time for which active runs may continue after the signal. The default is 30 s.
    pub fn drain_deadline(self, deadline: Duration) -> Self {
        Self { shutdown: self.shutdown.drain_deadline(deadline), ..self }
    }

    /// Shuts down when `signal` is ready, in place of SIGTERM and Ctrl-C. The signals of the process are then left to the
    /// application, also a second one.
    pub fn shutdown_on(self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { shutdown: self.shutdown.on(signal), ..self }
    }
}

impl<L, M, S> IntoFuture for Serve<L, M, S>
where
    L: Listener,
    L::Addr: fmt::Debug,
    M: for<'a> Service<IncomingStream<'a, L>, Error = Infallible, Response = S> + Send + 'static,
    for<'a> <M as Service<IncomingStream<'a, L>>>::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Output = io::Result<Drained>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { server, shutdown } = self;
        let (pause, paused) = oneshot::channel::<()>();
        let server = server.with_graceful_shutdown(async { drop(paused.await) });
        // A graceful server ends by itself once its connections are closed.
        Box::pin(shutdown.serve(server.into_future(), async { drop(pause) }, ready(())))
    }
}
