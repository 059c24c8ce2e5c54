//! The guide's chapter on operating a service.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::Router;
use idem_axum::{Drained, Idempotency, MemoryStore, ScopeParts, ScopeValue};
use tokio::net::TcpListener;

async fn serve(
    listener: TcpListener,
    router: Router,
    idempotency: Idempotency,
) -> std::io::Result<()> {
    let drained = idem_axum::serve(listener, router, &idempotency).await?;
    if let Drained::GaveUp(runs) = drained {
        eprintln!("{runs} runs were given up; their outcome is unknown");
    }
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
