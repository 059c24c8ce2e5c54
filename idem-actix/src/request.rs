//! The parts of an actix-web request that the engine reads: header, body, fingerprint and operation.

use std::borrow::Cow;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
};
use actix_web::rt::task::yield_now;
use actix_web::test::TestRequest;
use actix_web::web::{self, PayloadConfig};
use actix_web::{Error, FromRequest, HttpRequest};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use idem_core::Idempotency;
use idem_core::http::RequestParts;
use idem_core::http::{self, Chunks};

/// The default limit of a [`PayloadConfig`], in bytes.
const DEFAULT_LIMIT: usize = 256 << 10;

/// The reason why a request body could not be buffered.
pub(crate) enum BodyError {
    /// The body is larger than the route's limit.
    TooLarge,
    /// The body could not be read, or the route does not accept it.
    Broken(Error),
}

/// A request's complete body.
pub(crate) struct Body {
    /// Yields the body again, as it was sent.
    pub(crate) payload: Payload,
    /// The body as the extractors read it: after decoding, unless it is a multipart body.
    pub(crate) bytes: Bytes,
}

/// Buffers a body like [`web::Bytes`], up to `max` bytes or the limit of the route's [`PayloadConfig`].
pub(crate) async fn buffer(
    request: &HttpRequest,
    payload: Payload,
    max: Option<usize>,
) -> Result<Body, BodyError> {
    let (sent, bytes) = read(request, payload, max).await.map_err(body_error)?;
    Ok(Body { payload: sliced(request, sent), bytes })
}

/// A static, because constructing a `HeaderName` parses it.
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(http::IDEMPOTENCY_KEY);

/// Returns the values of the request's header `name`, one for each line.
pub(crate) fn lines<'a>(
    request: &'a HttpRequest,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let headers = request.headers();
    let lines = if name == http::IDEMPOTENCY_KEY {
        headers.get_all(&IDEMPOTENCY_KEY)
    } else {
        headers.get_all(name)
    };
    lines.map(HeaderValue::as_bytes)
}

/// The key header of a request as it was sent, with its name, if responses repeat it.
pub(crate) type Echo = Option<Box<(HeaderName, HeaderValue)>>;

/// The key header of a request as it was sent, with its name, if responses [repeat](idem_core::IdempotencyBuilder::echo_key)
/// it.
pub(crate) fn echo(request: &HttpRequest, idempotency: &Idempotency) -> Echo {
    if !idempotency.echoes_key() {
        return None;
    }
    idempotency.headers().find_map(|name| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = request.headers().get(&name)?.clone();
        Some(Box::new((name, value)))
    })
}

/// The parts of a request that make up its [fingerprint](idem_core::rules::semantics#fingerprint-input), with
/// the buffered body.
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

/// The path in the [operation](idem_core::rules::semantics#scope-and-operation) of a request: its match pattern.
/// Without a pattern, as in a default service, the concrete path takes its place.
pub(crate) fn pattern(request: &HttpRequest) -> Cow<'_, str> {
    request.match_pattern().map_or_else(|| Cow::Borrowed(request.path()), Cow::Owned)
}

/// Reads the body. Returns it as it was sent, and as the extractors read it.
async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    max: Option<usize>,
) -> Result<(Bytes, Bytes), Error> {
    if !request.headers().contains_key(CONTENT_ENCODING) {
        let body = match (max, config(request)) {
            (None, Some(_)) => Bytes::from_request(request, &mut payload).await?,
            (max, _) => collect(request, payload, max.unwrap_or(DEFAULT_LIMIT)).await?,
        };
        return Ok((body.clone(), body));
    }
    let config = max.map(PayloadConfig::new).or_else(|| config(request).cloned());
    let stand_in = |headers| stand_in(request, config.clone().unwrap_or_default(), headers);
    // Without the encoding, the body is read as it was sent. The handler's extractors decode it later.
    let unencoded = stand_in([CONTENT_LENGTH, CONTENT_TYPE]);
    let sent = Bytes::from_request(&unencoded, &mut payload).await?;
    if is_multipart(request) {
        return Ok((sent.clone(), sent));
    }
    let encoded = stand_in([CONTENT_ENCODING, CONTENT_TYPE]);
    let body = Bytes::from_request(&encoded, &mut sliced(request, sent.clone())).await?;
    Ok((sent, body))
}

/// Whether the handler reads a body by its parts. `actix-multipart` never decodes, so it reads the bytes as they were sent.
fn is_multipart(request: &HttpRequest) -> bool {
    const TYPE: &[u8] = b"multipart/";
    let field = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let field = field.trim_ascii_start();
    field.get(..TYPE.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(TYPE))
}

/// Returns a payload that yields `sent`. An encoded body is yielded in slices: actix-web decodes each chunk as a whole,
/// and applies its limit only after that. A body in one chunk would be decoded completely, whatever its limit.
fn sliced(request: &HttpRequest, sent: Bytes) -> Payload {
    /// The largest chunk in bytes that actix-web decodes without another thread.
    const SLICE: usize = 2 << 10;
    if !request.headers().contains_key(CONTENT_ENCODING) {
        return Payload::Stream { payload: Box::pin(stream::iter([Ok(sent)])) };
    }
    let slices = (0..sent.len()).step_by(SLICE);
    let slices = slices.map(move |start| Ok(sent.slice(start..sent.len().min(start + SLICE))));
    // Slices are decoded on this thread, so other requests get their turn between them.
    let slices = stream::iter(slices).then(async |slice| {
        yield_now().await;
        slice
    });
    Payload::Stream { payload: Box::pin(slices) }
}

/// Reads a body of at most `max` bytes. A body that arrives in one chunk, the usual case, is not copied;
/// `web::Bytes` would copy it.
async fn collect(
    request: &HttpRequest,
    mut payload: Payload,
    max: usize,
) -> Result<Bytes, PayloadError> {
    let announced = announced(request).unwrap_or(0);
    if announced > max {
        return Err(PayloadError::Overflow);
    }
    let mut body = Chunks::announced(announced);
    while let Some(chunk) = payload.try_next().await? {
        body.push(chunk);
        if body.len() > max {
            return Err(PayloadError::Overflow);
        }
    }
    Ok(body.into_bytes())
}

/// The value of `Content-Length`.
fn announced(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn config(request: &HttpRequest) -> Option<&PayloadConfig> {
    let config = request.app_data::<PayloadConfig>();
    config.or_else(|| Some(&***request.app_data::<web::Data<PayloadConfig>>()?))
}

/// Returns a request with these headers of `request`, for which `web::Bytes` applies `config`. The value of a
/// `PayloadConfig`'s limit is private, so only `web::Bytes` can apply it.
fn stand_in(request: &HttpRequest, config: PayloadConfig, headers: [HeaderName; 2]) -> HttpRequest {
    let mut stand_in = TestRequest::default().app_data(config);
    for name in headers {
        if let Some(value) = request.headers().get(&name) {
            stand_in = stand_in.insert_header((name, value.clone()));
        }
    }
    stand_in.to_http_request()
}

fn body_error(error: Error) -> BodyError {
    match error.as_error() {
        Some(PayloadError::Overflow) => BodyError::TooLarge,
        _ => BodyError::Broken(error),
    }
}
