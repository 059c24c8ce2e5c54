//! A payment service without idempotency keys: every request is a charge.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use axum::{Router, routing::post};
use tokio::net::TcpListener;

pub(crate) struct Unguarded {
    pub(crate) address: SocketAddr,
    charges: Arc<AtomicUsize>,
}

impl Unguarded {
    pub(crate) async fn start() -> io::Result<Self> {
        let charges = Arc::<AtomicUsize>::default();
        let ledger = charges.clone();
        let pay = async move || {
            ledger.fetch_add(1, Ordering::Relaxed);
            StatusCode::CREATED
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/payments", post(pay));
        tokio::spawn(axum::serve(listener, router).into_future());
        Ok(Self { address, charges })
    }

    pub(crate) fn charges(&self) -> usize {
        self.charges.load(Ordering::Relaxed)
    }
}
