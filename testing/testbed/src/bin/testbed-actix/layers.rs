//! The layers around the handlers.

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{
    ErrorGatewayTimeout, ErrorUnprocessableEntity, ErrorUnsupportedMediaType, InternalError,
    JsonPayloadError,
};
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::middleware::Next;
use actix_web::rt::time::timeout;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest};
use idem_testkit::app::Caller;
use testbed::TIMEOUT;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

pub(crate) fn cors() -> Cors {
    Cors::default()
        .allow_any_origin()
        .send_wildcard()
        .allowed_methods(["GET", "HEAD", "PATCH", "POST", "PUT"])
        .allowed_headers(["authorization", "content-type", "idempotency-key", "if-match"])
        .expose_headers(["idempotent-replayed", "idempotency-refused", "retry-after", "location"])
}

/// Tracks the requests whose handler is running.
pub(crate) async fn counted(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let running = request.app_data::<Data<TaskTracker>>().map(|running| running.token());
    let response = next.call(request).await;
    drop(running);
    response
}

/// Lets only as many requests at a time into the handlers as the semaphore of the app has places. A request gives its
/// place back when it ends or its client disconnects.
pub(crate) async fn limited(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let places = request.app_data::<Data<Semaphore>>().cloned().map(Data::into_inner);
    let _place = match places {
        Some(places) => places.acquire_owned().await.ok(),
        None => None,
    };
    next.call(request).await
}

pub(crate) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    match Caller::of(request.method().as_str(), authorization) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.call(request).await
        }
        Err(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED);
            Err(InternalError::new("not allowed", status).into())
        }
    }
}

/// A request timeout. actix-web has none, so applications write one like this.
pub(crate) async fn bounded(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match timeout(TIMEOUT, next.call(request)).await {
        Ok(response) => response,
        Err(elapsed) => Err(ErrorGatewayTimeout(elapsed)),
    }
}

/// Distinguishes a wrong media type and a wrong value from malformed JSON, as axum does. The default handler
/// does not.
pub(crate) fn refused(error: JsonPayloadError, _: &HttpRequest) -> Error {
    match error {
        JsonPayloadError::ContentType => ErrorUnsupportedMediaType(error),
        JsonPayloadError::Deserialize(ref cause) if cause.is_data() => {
            ErrorUnprocessableEntity(error)
        }
        error => error.into(),
    }
}
