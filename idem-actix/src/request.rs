//! What of an actix-web request the engine must know.

use std::borrow::Cow;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
};
use actix_web::test::TestRequest;
use actix_web::web::{self, PayloadConfig};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use idem_core::http::RequestParts;
use idem_core::http::{self, Chunks};

/// The limit of a [`PayloadConfig`] that nobody set, in bytes.
const DEFAULT_LIMIT: usize = 256 << 10;

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

/// Buffers a body, as [`web::Bytes`] does: under the route's own [`PayloadConfig`].
pub(crate) async fn buffer(request: &HttpRequest, payload: Payload) -> Result<Body, BodyError> {
    let (sent, bytes) = read(request, payload).await.map_err(body_error)?;
    let sent = Box::pin(stream::iter([Ok(sent)]));
    Ok(Body { payload: Payload::Stream { payload: sent }, bytes })
}

/// Made once: a name is parsed whenever it is made.
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(http::IDEMPOTENCY_KEY);

/// The lines of a request's header.
pub(crate) fn lines<'a>(request: &'a HttpRequest, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let headers = request.headers();
    let lines = if name == http::IDEMPOTENCY_KEY {
        headers.get_all(&IDEMPOTENCY_KEY)
    } else {
        headers.get_all(name)
    };
    lines.map(HeaderValue::as_bytes)
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
        let body = match config(request) {
            Some(_) => Bytes::from_request(request, &mut payload).await?,
            None => collect(request, payload).await?,
        };
        return Ok((body.clone(), body));
    }
    let sent = Bytes::from_request(&unencoded(request), &mut payload).await?;
    let body = Bytes::from_request(request, &mut Payload::from(sent.clone())).await?;
    Ok((sent, body))
}

/// A body under the limit that holds where the app sets none. The framework's own extractor copies it; one
/// that came in one piece, the usual case, is shared instead.
async fn collect(request: &HttpRequest, mut payload: Payload) -> Result<Bytes, PayloadError> {
    if announced(request).is_some_and(|bytes| bytes > DEFAULT_LIMIT) {
        return Err(PayloadError::Overflow);
    }
    let mut body = Chunks::default();
    while let Some(chunk) = payload.try_next().await? {
        body.push(chunk);
        if body.len() > DEFAULT_LIMIT {
            return Err(PayloadError::Overflow);
        }
    }
    Ok(body.into_bytes())
}

fn announced(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn config(request: &HttpRequest) -> Option<&PayloadConfig> {
    let config = request.app_data::<PayloadConfig>();
    config.or_else(|| Some(&***request.app_data::<web::Data<PayloadConfig>>()?))
}

/// Stands in for `request` and says nothing of an encoding, so that its body is read as it was sent: the
/// extractors decode it themselves. The limit is known to the framework's own extractor alone.
fn unencoded(request: &HttpRequest) -> HttpRequest {
    let config = config(request).cloned().unwrap_or_default();
    let mut unencoded = TestRequest::default().app_data(config);
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
