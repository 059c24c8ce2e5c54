//! Conversion between axum responses and stored responses.

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyStream, StreamBody};
use idem_core::http::Executed;
use idem_core::http::{self, Delivery, Head, PassThrough, ResponseRules};
use idem_core::store::{Headers, StoredResponse};

/// Statics, because constructing a `HeaderName` parses it.
static REPLAYED: HeaderName = HeaderName::from_static(http::REPLAYED);
static REFUSED: HeaderName = HeaderName::from_static(http::REFUSED);

/// Reads a handler's response: returns the response for the client, and the completion for the record.
pub(crate) fn record(
    response: Response,
    rules: &ResponseRules,
) -> impl Future<Output = Executed<Response>> + use<> {
    let (parts, body) = unmarked(response, rules).into_parts();
    let status = parts.status.as_u16();
    let content_type = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let head = Head {
        status,
        headers: stored_headers(&parts.headers, rules),
        declared: parts.extensions.get().copied(),
        announced: announced(&body, &parts.headers),
        is_stream: http::is_stream(status, content_type)
            || parts.extensions.get::<PassThrough>().is_some(),
    };
    http::capture(head, Frames { body, trailers: None }, rules.max_response, |body| match body {
        Ok(body) => Response::from_parts(parts, rebuild(body)),
        Err(stored) => from_stored(stored),
    })
}

/// The minimum size of a body. For a stream of unknown length, `Content-Length` announces it.
fn announced(body: &Body, headers: &HeaderMap) -> u64 {
    let hint = body.size_hint();
    let sent = || headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    hint.exact().or_else(sent).unwrap_or(hint.lower())
}

/// Removes the [replay marker](idem_core::rules::semantics#replay-marker) and the header of refusals from a handler's
/// response. Only replays and refusals may have them.
pub(crate) fn unmarked(mut response: Response, rules: &ResponseRules) -> Response {
    if let Some(marker) = rules.custom_marker() {
        response.headers_mut().remove(marker);
    }
    response.headers_mut().remove(&REPLAYED);
    response.headers_mut().remove(&REFUSED);
    response
}

fn stored_headers(headers: &HeaderMap, rules: &ResponseRules) -> Headers {
    let fields = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    rules.stored_headers(fields, headers.get_all(CONNECTION).into_iter().map(HeaderValue::as_bytes))
}

/// The data of a body as a stream, and the trailers that follow it.
struct Frames {
    body: Body,
    /// Boxed, because nearly all bodies have none.
    trailers: Option<Box<HeaderMap>>,
}

impl Stream for Frames {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(other) => {
                        let trailers = other.into_trailers().ok().map(Box::new);
                        self.trailers = trailers.or_else(|| self.trailers.take());
                    }
                },
            }
        }
    }
}

/// Returns the body for the first caller, with its trailers. They are
/// [not stored](idem_core::rules::semantics#trailers).
fn rebuild(body: Delivery<Frames, axum::Error>) -> Body {
    match body {
        Delivery::Whole(body, Frames { trailers: None, .. }) => Body::from(body),
        Delivery::Whole(body, Frames { trailers: Some(trailers), .. }) => {
            // Without a known length, because HTTP/1.1 has trailers only in chunked responses.
            let frames = [Frame::data(body), Frame::trailers(*trailers)];
            Body::new(StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>))))
        }
        Delivery::Longer(start, rest) if start.is_empty() => rest.body,
        Delivery::Longer(start, rest) => {
            let start = stream::once(ready(Ok(Frame::data(start))));
            Body::new(StreamBody::new(start.chain(BodyStream::new(rest.body))))
        }
        Delivery::Broken(start, error) => Body::from_stream(stream::iter([Ok(start), Err(error)])),
    }
}

/// Returns a stored response with the [replay marker](idem_core::rules::semantics#replay-marker).
pub(crate) fn replay(stored: StoredResponse, rules: &ResponseRules) -> Response {
    let mut response = from_stored(stored);
    let custom =
        rules.custom_marker().and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
    let marker = custom.unwrap_or_else(|| REPLAYED.clone());
    response.headers_mut().insert(marker, HeaderValue::from_static("true"));
    response
}

/// Converts a stored response. The bytes of the body are shared, not copied. A stored response that is not
/// valid HTTP becomes a 500.
pub(crate) fn from_stored(stored: StoredResponse) -> Response {
    build(stored).unwrap_or_else(|| {
        tracing::error!(
            "a stored response is not valid HTTP: the record is damaged or was written by another program"
        );
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

fn build(StoredResponse { status, headers, body }: StoredResponse) -> Option<Response> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
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
