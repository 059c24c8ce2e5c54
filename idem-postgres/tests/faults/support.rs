//! Stores on a test server, and requests and responses for them.

pub(crate) use idem_testkit::records::{
    HOUR, claim_new, completed, completion, error_kind, new_id, request, response,
};

use std::time::Duration;

use idem_core::store::{ClaimRequest, StoreError, StoreErrorKind};
use idem_postgres::{PostgresStore, PostgresStoreBuilder};
use idem_testkit::servers::{PostgresServer, Proxy, eventually};

/// Longer than a busy server needs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A claim with a lease of an hour by a handler with `recover`.
pub(crate) fn recovering() -> ClaimRequest {
    request().with_recoverable(true)
}

/// A builder for a store that does not sweep by itself, and whose limits a busy server keeps.
pub(crate) fn builder() -> PostgresStoreBuilder {
    let builder = PostgresStore::builder().sweep_every(None);
    builder.wait_timeout(TIMEOUT).statement_timeout(TIMEOUT)
}

pub(crate) async fn store(server: &PostgresServer) -> PostgresStore {
    builder().connect(&server.url()).await.unwrap()
}

/// Connects a store with limits that calls must exceed later. A busy server can exceed them too.
pub(crate) async fn connect(builder: &PostgresStoreBuilder, url: &str) -> PostgresStore {
    let connect = async || builder.clone().connect(url).await.ok();
    eventually("connection within the limits", connect).await
}

/// Sends a call until the server rejects it. A busy server can do so after the limit for a reply, which shows nothing.
pub(crate) async fn until_rejected<T>(call: impl AsyncFn() -> Result<T, StoreError>) {
    let reject = async || {
        let error = call().await.err().expect("a rejection");
        (error.kind() == StoreErrorKind::NotDone).then_some(())
    };
    eventually("rejection by the server", reject).await;
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
