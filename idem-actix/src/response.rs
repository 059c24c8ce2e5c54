//! Conversion between actix-web responses and stored responses.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::{HttpRequest, HttpResponse, Responder};
use bytes::Bytes;
use futures_util::Stream;
use idem_core::Outcome;
use idem_core::http::Executed;
use idem_core::http::{self, Delivery, Head, PassThrough, ResponseRules};
use idem_core::store::{Headers, StoredResponse};

use crate::body::{FromBytes, GuardedBody};
use crate::request::Echo;

/// Statics, because constructing a `HeaderName` parses it.
static REPLAYED: HeaderName = HeaderName::from_static(http::REPLAYED);
static REFUSED: HeaderName = HeaderName::from_static(http::REFUSED);

/// A response with a declared [outcome](idem_core::rules::semantics#outcome-of-a-response), which takes precedence
/// over its status.
///
/// ```
/// use actix_web::Responder;
/// use actix_web::http::StatusCode;
/// use idem_actix::{Declared, Outcome};
///
/// async fn provider_is_down() -> impl Responder {
///     Declared(Outcome::NotExecuted, ("nothing was sent to the provider", StatusCode::BAD_GATEWAY))
/// }
/// ```
///
/// Code that builds a response, such as a `ResponseError`, can insert the [`Outcome`] into the extensions of the
/// response instead.
#[derive(Clone, Copy, Debug)]
pub struct Declared<R>(pub Outcome, pub R);

impl<R: Responder> Responder for Declared<R> {
    type Body = R::Body;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<R::Body> {
        let mut response = self.1.respond_to(request);
        response.extensions_mut().insert(self.0);
        response
    }
}

/// Reads a handler's response: returns the response for the client, with the body that `convert` makes, and the completion
/// for the record.
pub(crate) fn record<B, R, C>(
    response: HttpResponse<B>,
    rules: &ResponseRules,
    convert: C,
) -> impl Future<Output = Executed<HttpResponse<R>>> + use<B, R, C>
where
    B: MessageBody + Unpin,
    R: FromBytes,
    C: FnOnce(GuardedBody<B>) -> R,
{
    let (response, body) = unmarked(response, rules).into_parts();
    let (status, size) = (response.status().as_u16(), body.size());
    let declared = response.extensions().get().copied();
    let content_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let head = Head {
        status,
        headers: stored_headers(response.headers(), rules),
        declared,
        announced: announced(size, response.headers()),
        is_stream: http::is_stream(status, content_type)
            || response.extensions().contains::<PassThrough>(),
    };
    http::capture(head, Streamed(body), rules.max_response, move |body| match body {
        Ok(body) => response.set_body(convert(rebuild(body, size))),
        Err(stored) => from_stored(stored),
    })
}

/// The minimum size of a body. For a stream of unknown length, `Content-Length` announces it.
fn announced(size: BodySize, headers: &HeaderMap) -> u64 {
    let sent = || headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    match size {
        BodySize::None => 0,
        BodySize::Sized(bytes) => bytes,
        BodySize::Stream => sent().unwrap_or(0),
    }
}

/// Removes the [replay marker](idem_core::rules::semantics#replay-marker) and the header of refusals from a handler's
/// response. Only replays and refusals may have them.
pub(crate) fn unmarked<B>(mut response: HttpResponse<B>, rules: &ResponseRules) -> HttpResponse<B> {
    if let Some(marker) = rules.custom_marker() {
        response.headers_mut().remove(marker);
    }
    response.headers_mut().remove(&REPLAYED);
    response.headers_mut().remove(&REFUSED);
    response
}

fn stored_headers(headers: &HeaderMap, rules: &ResponseRules) -> Headers {
    let fields = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    rules.stored_headers(fields, headers.get_all(CONNECTION).map(HeaderValue::as_bytes))
}

fn rebuild<B: MessageBody>(
    body: Delivery<Streamed<B>, B::Error>,
    size: BodySize,
) -> GuardedBody<B> {
    match body {
        Delivery::Whole(body, _) => GuardedBody::whole(body, size),
        Delivery::Longer(start, Streamed(rest)) => GuardedBody::longer(start, rest),
        Delivery::Broken(start, error) => GuardedBody::broken(start, error),
    }
}

/// A body as a stream.
struct Streamed<B>(B);

impl<B: MessageBody + Unpin> Stream for Streamed<B> {
    type Item = Result<Bytes, B::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

/// Repeats the key header in a response.
pub(crate) fn echoed<B>(mut response: HttpResponse<B>, echo: Echo) -> HttpResponse<B> {
    if let Some(header) = echo {
        let (name, value) = *header;
        response.headers_mut().insert(name, value);
    }
    response
}

/// Returns a stored response with the [replay marker](idem_core::rules::semantics#replay-marker).
pub(crate) fn replay<R: FromBytes>(
    stored: StoredResponse,
    rules: &ResponseRules,
) -> HttpResponse<R> {
    let mut response = from_stored(stored);
    let custom =
        rules.custom_marker().and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
    let marker = custom.unwrap_or_else(|| REPLAYED.clone());
    response.headers_mut().insert(marker, HeaderValue::from_static("true"));
    response
}

/// Converts a stored response. The bytes of the body are shared, not copied. A stored response that is not
/// valid HTTP becomes a 500.
pub(crate) fn from_stored<R: FromBytes>(stored: StoredResponse) -> HttpResponse<R> {
    build(stored).unwrap_or_else(|| {
        tracing::error!(
            "a stored response is not valid HTTP: the record is damaged or was written by another program"
        );
        HttpResponse::with_body(StatusCode::INTERNAL_SERVER_ERROR, R::from_bytes(Bytes::new()))
    })
}

fn build<R: FromBytes>(stored: StoredResponse) -> Option<HttpResponse<R>> {
    let StoredResponse { status, headers, body, .. } = stored;
    let mut response =
        HttpResponse::with_body(StatusCode::from_u16(status).ok()?, R::from_bytes(body));
    for (name, value) in headers.iter() {
        // The name that nearly every response has is compared, which is faster than to parse it.
        let name = match name {
            b"content-type" => CONTENT_TYPE,
            name => HeaderName::from_bytes(name).ok()?,
        };
        response.headers_mut().append(name, HeaderValue::from_maybe_shared(value).ok()?);
    }
    Some(response)
}
