//! Conversion between axum responses and stored responses.

use std::future::ready;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::http::header::{CONNECTION, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use idem_core::http::Executed;
use idem_core::http::{self, Delivery, Head};
use idem_core::store::{Headers, StoredResponse};

/// A static, because constructing a `HeaderName` parses it.
static REPLAYED: HeaderName = HeaderName::from_static(http::REPLAYED);

/// Reads a handler's response: returns the response for the client, and the completion for the record.
pub(crate) fn record(response: Response, max: usize) -> impl Future<Output = Executed<Response>> {
    let (parts, body) = unmarked(response).into_parts();
    let head = Head {
        status: parts.status.as_u16(),
        headers: stored_headers(&parts.headers),
        declared: parts.extensions.get().copied(),
        announced: body.size_hint().lower(),
    };
    http::capture(head, body.into_data_stream(), max, |body| match body {
        Ok(body) => Response::from_parts(parts, rebuild(body)),
        Err(stored) => from_stored(stored),
    })
}

/// Removes the [replay marker](idem_core::rules::semantics#replay-marker) from a handler's response. Only a
/// replay may have it.
pub(crate) fn unmarked(mut response: Response) -> Response {
    response.headers_mut().remove(&REPLAYED);
    response
}

fn stored_headers(headers: &HeaderMap) -> Headers {
    let fields = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    http::stored_headers(fields, headers.get_all(CONNECTION).into_iter().map(HeaderValue::as_bytes))
}

fn rebuild(body: Delivery<BodyDataStream, axum::Error>) -> Body {
    match body {
        Delivery::Whole(body) => Body::from(body),
        Delivery::Longer(start, rest) if start.is_empty() => Body::new(rest),
        Delivery::Longer(start, rest) => {
            Body::from_stream(stream::once(ready(Ok(start))).chain(rest))
        }
        Delivery::Broken(start, error) => Body::from_stream(stream::iter([Ok(start), Err(error)])),
    }
}

/// Returns a stored response with the [replay marker](idem_core::rules::semantics#replay-marker).
pub(crate) fn replay(stored: StoredResponse) -> Response {
    let mut response = from_stored(stored);
    response.headers_mut().insert(REPLAYED.clone(), HeaderValue::from_static("true"));
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
        let name = HeaderName::from_bytes(name).ok()?;
        response.headers_mut().append(name, HeaderValue::from_maybe_shared(value).ok()?);
    }
    Some(response)
}
