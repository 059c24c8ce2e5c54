//! Scenarios for the `serve` function of an adapter. They send signals to their own process, so each needs a test program
//! of its own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::process::Command;

use futures_util::future::BoxFuture;
use idem_core::{Drained, Idempotency, MemoryStore};
use serde_json::json;

use super::client::{Closing, Raw, Request, payment, post};
use crate::app::{Counts, MemoryLedger, Service};

/// A server that `serve` runs. It has the guarded route POST `/payments`, and counts requests with
/// [`Service::present`].
pub struct Serving {
    /// The address of the server.
    pub address: SocketAddr,
    /// The result of `serve`.
    pub ended: BoxFuture<'static, io::Result<Drained>>,
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serving").field("address", &self.address).finish_non_exhaustive()
    }
}

/// SIGTERM lets a run whose client has disconnected finish, and a second SIGTERM gives it up.
pub async fn signals_end_a_server<S, F>(serve: S)
where
    S: Fn(Idempotency, Service) -> F,
    F: Future<Output = Serving>,
{
    let records = MemoryStore::new();
    let first = Run::start(&serve, records.clone()).await;
    first.terminate().await;
    first.service.gate("left").open();
    assert_eq!(first.ended.await.unwrap(), Drained::Finished);
    let (ledger, service) = service();
    let next = serve(Idempotency::new(records), service).await;
    let retry = order(next.address).send().await;
    assert!(retry.is_replay(), "{retry:?}");
    assert_eq!(ledger.counts("left"), Counts::default());

    let second = Run::start(&serve, MemoryStore::new()).await;
    second.terminate().await;
    kill();
    assert_eq!(second.ended.await.unwrap(), Drained::GaveUp(1));
}

/// A server with a run that waits at its gate, and whose client has disconnected.
struct Run {
    address: SocketAddr,
    ended: BoxFuture<'static, io::Result<Drained>>,
    service: Service,
}

impl Run {
    async fn start<S, F>(serve: &S, records: MemoryStore) -> Self
    where
        S: Fn(Idempotency, Service) -> F,
        F: Future<Output = Serving>,
    {
        let (_, service) = service();
        let Serving { address, ended } = serve(Idempotency::new(records), service.clone()).await;
        let raw = order(address).send_raw().await;
        service.gate("left").reached().await;
        raw.close(Closing::Rst).await;
        service.until_present(0).await;
        Self { address, ended, service }
    }

    /// Sends SIGTERM, and waits until the server refuses requests.
    async fn terminate(&self) {
        let mut open = Raw::connect(self.address).await;
        let other = post("/payments", "other", &payment(100, "other"));
        open.send(&other).await;
        assert_eq!(open.response().await, Some(201));
        kill();
        open.send_until_stopping(&other).await;
    }
}

fn service() -> (MemoryLedger, Service) {
    let ledger = MemoryLedger::default();
    (ledger.clone(), Service::new(ledger))
}

fn order(address: SocketAddr) -> Request {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client without TLS");
    Request::new(client, address, "POST", "/payments")
        .key("left")
        .order_with("left", &json!({ "gate": true }))
}

/// Sends SIGTERM to this process.
fn kill() {
    let killed = Command::new("kill").arg(std::process::id().to_string()).status();
    assert!(killed.expect("the program `kill`").success());
}
