//! Stores on a test server, and requests and responses for them.

pub(crate) use idem_testkit::records::{
    HOUR, claim_new, completed, completion, error_kind, new_id, request, response,
};

use idem_core::store::ClaimRequest;
use idem_postgres::{PostgresStore, PostgresStoreBuilder};
use idem_testkit::servers::{PostgresServer, Proxy};

/// A claim with a lease of an hour by a handler with `recover`.
pub(crate) fn recovering() -> ClaimRequest {
    request().with_recoverable(true)
}

/// A builder for a store that does not sweep by itself.
pub(crate) fn builder() -> PostgresStoreBuilder {
    PostgresStore::builder().sweep_every(None)
}

pub(crate) async fn store(server: &PostgresServer) -> PostgresStore {
    builder().connect(&server.url()).await.unwrap()
}

/// Makes the calls while the server is paused. On one thread, all of them are sent or queued before the first reply.
pub(crate) async fn sent_before_a_reply<T>(
    server: &PostgresServer,
    calls: impl Future<Output = T>,
) -> T {
    server.pause();
    let (replies, ()) = futures_util::join!(calls, async { server.resume() });
    replies
}

/// The URL of the server through a proxy.
pub(crate) fn url(proxy: &Proxy) -> String {
    format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port())
}
