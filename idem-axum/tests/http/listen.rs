//! The server of a scenario app, and its outermost layer.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use idem_axum::RefusalDetails;
use idem_testkit::app::Service;
use idem_testkit::http::{Closing, Listening};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) async fn serve(router: Router) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server =
        axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let served = tokio::spawn(server.into_future());
    Listening {
        address,
        shut_down: Box::new(move |drain| {
            async move {
                stop.cancel();
                served.await.unwrap().unwrap();
                drain.await;
            }
            .boxed()
        }),
        drops_on: &[Closing::Fin, Closing::Rst, Closing::HalfClose],
    }
}

pub(crate) async fn present(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let _present = service.present();
    let mut response = next.run(request).await;
    if let Some(refusal) = response.extensions().get::<RefusalDetails>() {
        let seen = format!("{} {}", refusal.slug, refusal.operation).parse().unwrap();
        response.headers_mut().insert("x-refusal", seen);
    }
    response
}
