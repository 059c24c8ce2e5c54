//! Graceful shutdown: active runs end before the workers stop.

use actix_web::dev::ServerHandle;

/// Stops a server gracefully.
///
/// The server stops accepting connections. Then `drain` lets the active runs end and store their responses. Then
/// the workers stop. Returns the result of `drain`.
///
/// ```no_run
/// use std::time::Duration;
/// use actix_web::dev::ServerHandle;
/// use idem_actix::{Drained, Idempotency};
///
/// async fn shut_down(server: ServerHandle, idempotency: Idempotency) -> Drained {
///     idem_actix::stop(&server, idempotency.drain(Duration::from_secs(30))).await
/// }
/// ```
///
/// Use it in place of actix-web's signal handling, which
/// [`HttpServer::disable_signals`](actix_web::HttpServer::disable_signals) turns off. actix-web alone stops its
/// workers and drops every run whose client has disconnected. Such a run ends as `outcome-unknown`. See
/// [shutdown](idem_core::rules::guarantees#shutdown).
///
/// Cancel safe: if the future is dropped, the server no longer accepts connections, but its workers keep running.
pub async fn stop<D>(server: &ServerHandle, drain: impl Future<Output = D>) -> D {
    server.pause().await;
    let drained = drain.await;
    server.stop(true).await;
    drained
}
