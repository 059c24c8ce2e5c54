//! The server of every variant on axum. `testing/peers` contains this file too.

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// Serves on a free port and one thread, and prints the address.
pub(crate) fn serve_when(
    router: impl Future<Output = anyhow::Result<Router>>,
) -> anyhow::Result<()> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(async {
        let router = router.await?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        println!("{}", listener.local_addr()?);
        axum::serve(listener, router).await.context("the server stopped")
    })
}
