//! A server that drains at shutdown.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use actix_http::Request;
use actix_service::{IntoServiceFactory, ServiceFactory};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Response, Server};
use actix_web::{Error, HttpServer};
use idem_core::http::{RESPONSE_TIMEOUT, Shutdown};
use idem_core::{Drained, Idempotency};

/// Runs a server until SIGTERM or Ctrl-C, and then shuts down without losing a run.
///
/// ```no_run
/// use actix_web::{App, HttpServer, web};
/// use idem_actix::{Drained, Idempotency, MemoryStore};
///
/// #[actix_web::main]
/// async fn main() -> std::io::Result<()> {
///     let idempotency = Idempotency::new(MemoryStore::new());
///     let handle = web::Data::new(idempotency.clone());
///     let app = move || App::new().app_data(handle.clone());
///     let server = HttpServer::new(app).bind("127.0.0.1:3000")?;
///     let drained = idem_actix::serve(server, &idempotency).await?;
///     assert_eq!(drained, Drained::Finished);
///     Ok(())
/// }
/// ```
///
/// On the signal:
///
/// 1. The server accepts no more connections, and requests on open ones are refused with 503 `store-unavailable`.
/// 2. The active runs may finish for 30 s, including those whose clients have disconnected
///    ([`Idempotency::drain`]). After that, they are given up.
/// 3. The last responses may be sent for 5 s.
///
/// A second signal gives up the active runs immediately. See [shutdown](idem_core::rules::guarantees#shutdown).
///
/// It turns actix-web's own signal handling off, and sets its
/// [`shutdown_timeout`](HttpServer::shutdown_timeout). actix-web alone stops its workers, and drops every run whose client
/// has disconnected. To stop a server in another way, use [`stop`](crate::stop).
///
/// # Errors
/// The error of the server, or if the signal handlers cannot be installed.
///
/// Cancel safe: if the future is dropped, the workers stop without waiting for their runs, which has the effect of a crash.
pub fn serve<F, I, S, B>(server: HttpServer<F, I, S, B>, idempotency: &Idempotency) -> Serve
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error>,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>>,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let server = server.disable_signals().shutdown_timeout(RESPONSE_TIMEOUT.as_secs());
    Serve { server: server.run(), shutdown: Shutdown::of(idempotency) }
}

/// The future of a server. Returned by [`serve`].
#[must_use = "a server does nothing unless it is awaited"]
pub struct Serve {
    server: Server,
    shutdown: Shutdown,
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("shutdown", &self.shutdown).finish_non_exhaustive()
    }
}

impl Serve {
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

impl IntoFuture for Serve {
    type Output = io::Result<Drained>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { server, shutdown } = self;
        let (pausing, ending) = (server.handle(), server.handle());
        let pause = async move { pausing.pause().await };
        let end = async move { ending.stop(true).await };
        Box::pin(shutdown.serve(server, pause, end))
    }
}
