//! The end of a server: its runs end before its workers do (RELIABILITY M2).

use actix_web::dev::ServerHandle;

/// Stops a server gracefully: it accepts no more connections, its runs end and their answers are stored,
/// and only then its workers stop.
///
/// ```no_run
/// use std::time::Duration;
/// use actix_web::dev::ServerHandle;
/// use idem_actix::{Drained, Idempotency};
///
/// async fn end(server: ServerHandle, idempotency: Idempotency) -> Drained {
///     idem_actix::stop(&server, idempotency.drain(Duration::from_secs(30))).await
/// }
/// ```
///
/// Left to itself, actix-web stops its workers first, and drops with them every run whose client has hung
/// up: its key ends as unknown. So switch its own signal handling off
/// ([`HttpServer::disable_signals`](actix_web::HttpServer::disable_signals)) and call this instead.
///
/// Cancel safe: dropped, the server does not accept connections and is not stopped.
pub async fn stop<D>(server: &ServerHandle, drain: impl Future<Output = D>) -> D {
    server.pause().await;
    let drained = drain.await;
    server.stop(true).await;
    drained
}
