//! The parts of a request that the engine reads: key header, body and fingerprint.

use std::error::Error;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::{CONTENT_TYPE, EXPECT, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Uri};
use http_body::Body;
use http_body_util::LengthLimitError;
use idem_core::Idempotency;
use idem_core::http::{self as rules, Chunks, RequestParts};

use crate::frames::Frames;

/// A boxed error.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// The key header of a request as it was sent, with its name, if responses repeat it.
pub type Echo = Option<Box<(HeaderName, HeaderValue)>>;

/// The reason why a request body could not be buffered.
#[derive(Debug)]
pub enum BodyError {
    /// The body is larger than the limit.
    TooLarge,
    /// The body could not be read.
    Broken,
}

impl BodyError {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<LengthLimitError>() {
                return Self::TooLarge;
            }
            cause = error.source();
        }
        Self::Broken
    }
}

/// Reads a whole body of at most `max` bytes, and its trailers.
///
/// Cancel safe: dropping the future drops the body.
///
/// # Errors
/// If the body is larger, or cannot be read. A limit inside `B` counts as one of this function.
pub fn buffer<B>(
    body: B,
    max: usize,
) -> impl Future<Output = Result<(Bytes, Option<Box<HeaderMap>>), BodyError>>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let announced = body.size_hint().lower().try_into().unwrap_or(usize::MAX);
    // Before the block, which would have room for the body twice.
    let mut frames = Frames::of(body);
    async move {
        let mut collected = Chunks::announced(announced);
        while let Some(data) =
            frames.try_next().await.map_err(|error| BodyError::of(&*error.into()))?
        {
            collected.push(data);
            if collected.len() > max {
                return Err(BodyError::TooLarge);
            }
        }
        Ok((collected.into_bytes(), frames.trailers))
    }
}

/// Whether the client waits for `100 Continue` with a body of more than `max` bytes. Such a body is not polled, so the client
/// does not send it. Any other body is on its way, and a response before its end could be lost.
pub(crate) fn waits_with_more(headers: &HeaderMap, body: &impl Body, max: usize) -> bool {
    headers.contains_key(EXPECT) && body.size_hint().lower() > max as u64
}

/// A static, because constructing a `HeaderName` parses it.
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(rules::IDEMPOTENCY_KEY);

/// Returns the values of the header `name`, one for each line.
pub fn lines<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let lines = if name == rules::IDEMPOTENCY_KEY {
        headers.get_all(&IDEMPOTENCY_KEY)
    } else {
        headers.get_all(name)
    };
    lines.into_iter().map(HeaderValue::as_bytes)
}

/// The key header of a request as it was sent, with its name, if responses
/// [repeat](idem_core::IdempotencyBuilder::echo_key) it.
pub fn echo(headers: &HeaderMap, idempotency: &Idempotency) -> Echo {
    if !idempotency.echoes_key() {
        return None;
    }
    idempotency.headers().find_map(|name| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = headers.get(&name)?.clone();
        Some(Box::new((name, value)))
    })
}

/// The value of `Content-Type`.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes)
}

/// The parts of a request that make up its [fingerprint](idem_core::rules::semantics#fingerprint-input), with
/// the buffered body. `uri` is that of the request before routers removed a prefix.
pub fn parts<'a>(
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: &'a [u8],
) -> RequestParts<'a> {
    RequestParts {
        method: method.as_str(),
        path: uri.path(),
        query: uri.query(),
        content_type: content_type(headers),
        body,
    }
}
