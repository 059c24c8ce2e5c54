//! Reads a response within its attempt, so that a connection that breaks half-way counts as a failed attempt.

use std::mem;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http_body_util::{BodyStream, StreamBody};
use reqwest::{Body, Response, ResponseBuilderExt};

/// A response and the bytes of its body. `body` is `None` if the body exceeds the limit.
pub(crate) struct Collected {
    pub(crate) response: Response,
    pub(crate) body: Option<Bytes>,
}

/// Reads the body up to about `limit` bytes. The caller reads the rest of a longer body from the response.
pub(crate) async fn collect(mut response: Response, limit: usize) -> reqwest::Result<Collected> {
    let mut read = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        read.extend_from_slice(&chunk);
        if read.len() > limit {
            return Ok(Collected { response: unread(response, read.freeze()), body: None });
        }
    }
    let body = read.freeze();
    let response = with_body(response, |_| Body::from(body.clone()));
    Ok(Collected { response, body: Some(body) })
}

/// Puts the bytes that were read back in front of the rest of the body.
fn unread(response: Response, read: Bytes) -> Response {
    with_body(response, |rest| {
        let read = stream::iter([Ok(http_body::Frame::data(read))]);
        Body::wrap(StreamBody::new(read.chain(BodyStream::new(rest))))
    })
}

fn with_body(response: Response, body: impl FnOnce(Body) -> Body) -> Response {
    // The conversion to an `http::Response` loses the URL. reqwest restores it from this extension.
    let mut url = http::response::Builder::new().url(response.url().clone());
    let (mut parts, rest) = http::Response::<Body>::from(response).into_parts();
    if let Some(url) = url.extensions_mut() {
        parts.extensions.extend(mem::take(url));
    }
    http::Response::from_parts(parts, body(rest)).into()
}
