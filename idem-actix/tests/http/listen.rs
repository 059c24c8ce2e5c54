//! The server of a scenario app, and the layers that do not depend on its guard.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::error::ErrorGatewayTimeout;
use actix_web::http::header::HeaderName;
use actix_web::middleware::Next;
use actix_web::rt::{System, time::timeout};
use actix_web::web::Data;
use futures_util::FutureExt;
use idem_actix::RefusalDetails;
use idem_testkit::app::Service;
use idem_testkit::http::{Closing, Listening};
use tokio::sync::oneshot;

/// Runs the server that `serve` makes, with its address, on a thread of its own.
pub(crate) async fn run(
    serve: impl FnOnce() -> (SocketAddr, Server) + Send + 'static,
) -> Listening {
    let (started, start) = oneshot::channel();
    let served = std::thread::spawn(move || {
        let system = System::new();
        system.block_on(async move {
            let (address, server) = serve();
            assert!(started.send((address, Running(server.handle()))).is_ok());
            server.await.unwrap();
            System::current().stop();
        });
        system.run().unwrap();
    });
    let (address, running) = start.await.unwrap();
    Listening {
        address,
        shut_down: Box::new(move |drain| {
            async move {
                idem_actix::stop(&running.0, drain).await;
                served.join().unwrap();
            }
            .boxed()
        }),
        drops_on: &[Closing::Rst],
    }
}

/// Stops the server at the end of its scenario.
struct Running(ServerHandle);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stop(false));
    }
}

pub(crate) async fn present(
    service: Data<Service>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let _present = service.present();
    let mut response = next.call(request).await?;
    let refusal = response.response().extensions().get::<RefusalDetails>().cloned();
    if let Some(refusal) = refusal {
        let seen = format!("{} {}", refusal.slug, refusal.operation).parse().unwrap();
        response.headers_mut().insert(HeaderName::from_static("x-refusal"), seen);
    }
    Ok(response)
}

pub(crate) async fn bounded(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match timeout(Duration::from_millis(50), next.call(request)).await {
        Ok(response) => response,
        Err(elapsed) => Err(ErrorGatewayTimeout(elapsed)),
    }
}
