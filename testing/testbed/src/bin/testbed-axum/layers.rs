//! The layers around the handlers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH, LOCATION, RETRY_AFTER,
};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use idem_testkit::app::{Caller, MAX_REQUEST};
use tokio::sync::Semaphore;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};

use crate::App;

/// Adds authentication and the body limit, for the routes of payments and for unknown routes.
pub(crate) fn inside(routes: Router<App>) -> Router<App> {
    let routes = routes.fallback(async || StatusCode::NOT_FOUND);
    routes.layer(DefaultBodyLimit::max(MAX_REQUEST)).layer(from_fn(authenticate))
}

/// Lets only `max` requests at a time into the handlers. A request gives its place back when it ends or its client
/// disconnects.
pub(crate) fn limited(routes: Router<App>, max: Option<usize>) -> Router<App> {
    let places = Arc::new(Semaphore::new(max.unwrap_or(Semaphore::MAX_PERMITS)));
    routes.layer(from_fn(move |request: Request, next: Next| {
        let places = Arc::clone(&places);
        async move {
            let _place = places.acquire_owned().await;
            next.run(request).await
        }
    }))
}

/// Adds CORS and compression, for all routes.
pub(crate) fn outside(routes: Router<App>) -> Router<App> {
    routes.layer(CompressionLayer::new()).layer(cors())
}

fn cors() -> CorsLayer {
    let key = HeaderName::from_static("idempotency-key");
    let replayed = HeaderName::from_static("idempotent-replayed");
    let refused = HeaderName::from_static("idempotency-refused");
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::PATCH, Method::POST, Method::PUT])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, key, IF_MATCH])
        .expose_headers([replayed, refused, RETRY_AFTER, LOCATION])
}

async fn authenticate(mut request: Request, next: Next) -> Response {
    let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    match Caller::of(request.method().as_str(), authorization) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(status) => {
            StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED).into_response()
        }
    }
}
