//! The variants on axum.

pub(super) mod annotated;
pub(super) mod bare;
pub(super) mod by_hand;
pub(super) mod layered;
pub(super) mod postgres;
pub(super) mod redis;
pub(super) mod sqlite;

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

pub(super) fn serve(router: Router) -> anyhow::Result<()> {
    serve_when(async { Ok(router) })
}

pub(super) fn serve_when(
    router: impl Future<Output = anyhow::Result<Router>>,
) -> anyhow::Result<()> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(async {
        let router = router.await?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        println!("{}", listener.local_addr()?);
        axum::serve(listener, router).await.context("the server stopped")
    })
}
