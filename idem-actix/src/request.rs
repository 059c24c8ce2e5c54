//! What of an actix-web request the engine must know.

use std::borrow::Cow;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::test::TestRequest;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use idem_core::RequestParts;

/// Why a request's body could not be buffered.
pub(crate) enum BodyError {
    /// It is over the route's limit.
    TooLarge,
    /// It did not arrive, or is not what the route takes.
    Broken(HttpResponse),
}

/// A request's whole body.
pub(crate) struct Body {
    /// Gives it again, as it was sent.
    pub(crate) payload: Payload,
    /// As the extractors will see it.
    pub(crate) bytes: Bytes,
}

/// Buffers a body, as [`web::Bytes`] does: under the route's own [`web::PayloadConfig`].
pub(crate) async fn buffer(request: &HttpRequest, payload: Payload) -> Result<Body, BodyError> {
    let (sent, bytes) = read(request, payload).await.map_err(body_error)?;
    Ok(Body { payload: Payload::from(sent), bytes })
}

/// What of a request is compared (R11), with the body that was buffered.
pub(crate) fn parts<'a>(request: &'a HttpRequest, body: &'a [u8]) -> RequestParts<'a> {
    let uri = request.uri();
    RequestParts {
        method: request.method().as_str(),
        path: uri.path(),
        query: uri.query(),
        content_type: request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes),
        body,
    }
}

/// The path of the operation that a request asks for: its match pattern; the concrete path where there is
/// no pattern, as in a default service (R14).
pub(crate) fn pattern(request: &HttpRequest) -> Cow<'_, str> {
    request.match_pattern().map_or_else(|| Cow::Borrowed(request.path()), Cow::Owned)
}

/// The body as it was sent, and as the extractors will see it.
async fn read(request: &HttpRequest, mut payload: Payload) -> Result<(Bytes, Bytes), Error> {
    if !request.headers().contains_key(CONTENT_ENCODING) {
        let body = Bytes::from_request(request, &mut payload).await?;
        return Ok((body.clone(), body));
    }
    let sent = Bytes::from_request(&unencoded(request), &mut payload).await?;
    let body = Bytes::from_request(request, &mut Payload::from(sent.clone())).await?;
    Ok((sent, body))
}

/// Stands in for `request` and says nothing of an encoding, so that its body is read as it was sent: the
/// extractors decode it themselves. The limit is known to the framework's own extractor alone.
fn unencoded(request: &HttpRequest) -> HttpRequest {
    let config = request.app_data::<web::PayloadConfig>();
    let config = config.or_else(|| Some(&***request.app_data::<web::Data<web::PayloadConfig>>()?));
    let mut unencoded = TestRequest::default().app_data(config.cloned().unwrap_or_default());
    for name in [CONTENT_LENGTH, CONTENT_TYPE] {
        if let Some(value) = request.headers().get(&name) {
            unencoded = unencoded.insert_header((name, value.clone()));
        }
    }
    unencoded.to_http_request()
}

fn body_error(error: Error) -> BodyError {
    match error.as_error() {
        Some(PayloadError::Overflow) => BodyError::TooLarge,
        _ => BodyError::Broken(HttpResponse::from_error(error)),
    }
}
