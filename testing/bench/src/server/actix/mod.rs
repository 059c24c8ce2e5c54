//! The variants on actix-web.

pub(super) mod annotated;
pub(super) mod bare;
pub(super) mod by_hand;
pub(super) mod layered;

use actix_web::rt::System;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use anyhow::Context;

pub(super) fn serve(
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> anyhow::Result<()> {
    serve_when(async { Ok(routes) })
}

pub(super) fn serve_when<R>(routes: impl Future<Output = anyhow::Result<R>>) -> anyhow::Result<()>
where
    R: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    System::new().block_on(async {
        let routes = routes.await?;
        let server = HttpServer::new(move || App::new().configure(routes.clone())).workers(1);
        let server = server.bind("127.0.0.1:0").context("no free port")?;
        for address in server.addrs() {
            println!("{address}");
        }
        server.run().await.context("the server stopped")
    })
}
