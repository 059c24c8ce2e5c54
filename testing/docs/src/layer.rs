//! The guide's chapter on the layer, below a router of axum.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use idem_axum::{
    Guarantee, Idempotency, IdempotencyLayer, Outcome, Policy, ScopeParts, ScopeValue,
};

pub(crate) static FORWARD: Policy =
    Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce);

/// The tenant that the layer for authentication puts into the request's extensions.
#[derive(Clone)]
pub(crate) struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

fn router(idempotency: &Idempotency) -> Router {
    Router::new()
        .route("/proxy/{*rest}", any(forward))
        .route_layer(
            IdempotencyLayer::new(idempotency.clone(), &FORWARD)
                .scope_from_extension::<Tenant>()
                .max_body(1 << 20),
        )
        .route_layer(from_fn(authenticate)) // outside, so it runs first
}

async fn authenticate(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Tenant("acme".to_owned()));
    next.run(request).await
}

async fn forward(request: Request) -> Response {
    keeps_the_key(send(request).await)
}

async fn send(_: Request) -> Response {
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// Keeps the key after failures before which the upstream may have acted. By default 408, 421, 425, 429 and 503 free it.
fn keeps_the_key(mut response: Response) -> Response {
    let status = response.status();
    if status.is_server_error() || matches!(status.as_u16(), 408 | 421 | 425 | 429) {
        response.extensions_mut().insert(Outcome::Final);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use idem_axum::MemoryStore;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn the_503_of_an_upstream_is_replayed() {
        let router = router(&Idempotency::new(MemoryStore::new()));
        for replayed in [false, true] {
            let request =
                axum::http::Request::post("/proxy/charges").header("idempotency-key", "k");
            let response =
                router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers().contains_key("idempotent-replayed"), replayed);
        }
    }
}
