//! The guide's chapter on operating a service.

use std::future::IntoFuture;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::Router;
use idem_axum::{Drained, Idempotency, MemoryStore, ScopeParts, ScopeValue};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

async fn serve(
    listener: TcpListener,
    router: Router,
    idempotency: Idempotency,
) -> std::io::Result<()> {
    let (stop, stopped) = oneshot::channel::<()>();
    let server =
        axum::serve(listener, router).with_graceful_shutdown(async { drop(stopped.await) });
    let served = tokio::spawn(server.into_future());

    tokio::signal::ctrl_c().await?;
    drop(stop); // accepts no more connections
    if let Drained::GaveUp(runs) = idempotency.drain(Duration::from_secs(30)).await {
        eprintln!("{runs} runs were given up; their outcome is unknown");
    }
    let _stalled = tokio::time::timeout(Duration::from_secs(5), served).await;
    Ok(())
}

struct Tenant {
    id: String,
    is_paying: bool,
}

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.id);
    }

    fn quota(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(if self.is_paying { 100_000 } else { 1_000 })
    }
}

fn idempotency(secret: &[u8]) -> Idempotency {
    Idempotency::builder(MemoryStore::new())
        .namespace("payments")
        .secret(secret)
        .store_timeout(Duration::from_secs(2))
        .problem_base("https://api.example.com/problems/")
        .build()
}
