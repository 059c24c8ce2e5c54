//! Conversion between actix-web responses and stored responses.

use std::error::Error;
use std::future::ready;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{self, BodySize, BodyStream, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::{HttpRequest, HttpResponse, Responder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use idem_core::Outcome;
use idem_core::http::Executed;
use idem_core::http::{self, Delivery, Head, PassThrough, ResponseRules};
use idem_core::store::{Headers, StoredResponse};

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

/// Reads a handler's response: returns the response for the client, and the completion for the record.
pub(crate) fn record(
    response: HttpResponse,
    rules: &ResponseRules,
) -> impl Future<Output = Executed<HttpResponse>> + use<> {
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
        Ok(body) => response.set_body(rebuild(body, size)),
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
pub(crate) fn unmarked(mut response: HttpResponse, rules: &ResponseRules) -> HttpResponse {
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

fn rebuild(body: Delivery<Streamed, Box<dyn Error>>, size: BodySize) -> BoxBody {
    match body {
        // An empty body has `Content-Length: 0`; no body has no such header.
        Delivery::Whole(..) if size == BodySize::None => BoxBody::new(body::None::new()),
        Delivery::Whole(body, _) => BoxBody::new(body),
        Delivery::Longer(start, Streamed(body)) if start.is_empty() => body,
        Delivery::Longer(start, rest) => {
            BoxBody::new(BodyStream::new(stream::once(ready(Ok(start))).chain(rest)))
        }
        Delivery::Broken(start, error) => {
            BoxBody::new(BodyStream::new(stream::iter([Ok(start), Err(error)])))
        }
    }
}

/// A body as a stream.
struct Streamed(BoxBody);

impl Stream for Streamed {
    type Item = Result<Bytes, Box<dyn Error>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

/// Returns a stored response with the [replay marker](idem_core::rules::semantics#replay-marker).
pub(crate) fn replay(stored: StoredResponse, rules: &ResponseRules) -> HttpResponse {
    let mut response = from_stored(stored);
    let custom =
        rules.custom_marker().and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
    let marker = custom.unwrap_or_else(|| REPLAYED.clone());
    response.headers_mut().insert(marker, HeaderValue::from_static("true"));
    response
}

/// Converts a stored response. The bytes of the body are shared, not copied. A stored response that is not
/// valid HTTP becomes a 500.
pub(crate) fn from_stored(stored: StoredResponse) -> HttpResponse {
    build(stored).unwrap_or_else(|| {
        tracing::error!(
            "a stored response is not valid HTTP: the record is damaged or was written by another program"
        );
        HttpResponse::InternalServerError().finish()
    })
}

fn build(StoredResponse { status, headers, body }: StoredResponse) -> Option<HttpResponse> {
    let mut response =
        HttpResponse::with_body(StatusCode::from_u16(status).ok()?, BoxBody::new(body));
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
