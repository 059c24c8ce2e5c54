//! The parts of an axum request that the engine reads: header, body, fingerprint and operation.

use std::error::Error;
use std::mem::take;

use axum::RequestExt;
use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::LengthLimitError;
use idem_core::Idempotency;
use idem_core::http::RequestParts;
use idem_core::http::{self, Chunks};

/// The reason why a request body could not be buffered.
pub(crate) enum BodyError {
    /// The body is larger than the route's limit.
    TooLarge,
    /// The body could not be read.
    Broken(Response),
}

/// Takes the whole body out of a request, up to the route's limit (`DefaultBodyLimit`, or a layer).
///
/// Cancel safe: dropping the future drops the request's body.
pub(crate) async fn buffer(request: &mut Request) -> Result<Bytes, BodyError> {
    *request = take(request).with_limited_body();
    let mut sent = take(request.body_mut()).into_data_stream();
    let mut body = Chunks::default();
    while let Some(chunk) = sent.try_next().await.map_err(|error| body_error(&error))? {
        body.push(chunk);
    }
    Ok(body.into_bytes())
}

/// A static, because constructing a `HeaderName` parses it.
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(http::IDEMPOTENCY_KEY);

/// Returns the values of the request's header `name`, one for each line.
pub(crate) fn lines<'a>(
    request: &'a Request,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let headers = request.headers();
    let lines = if name == http::IDEMPOTENCY_KEY {
        headers.get_all(&IDEMPOTENCY_KEY)
    } else {
        headers.get_all(name)
    };
    lines.into_iter().map(HeaderValue::as_bytes)
}

/// The request's URI before nested routers removed their prefixes.
fn original_uri(request: &Request) -> &Uri {
    let original = request.extensions().get::<OriginalUri>();
    original.map_or_else(|| request.uri(), |original| &original.0)
}

/// The key header of a request as it was sent, with its name, if responses [repeat](idem_core::IdempotencyBuilder::echo_key)
/// it.
pub(crate) fn echo(
    request: &Request,
    idempotency: &Idempotency,
) -> Option<Box<(HeaderName, HeaderValue)>> {
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
pub(crate) fn parts<'a>(request: &'a Request, body: &'a [u8]) -> RequestParts<'a> {
    let uri = original_uri(request);
    RequestParts {
        method: request.method().as_str(),
        path: uri.path(),
        query: uri.query(),
        content_type: request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes),
        body,
    }
}

/// The [operation](idem_core::rules::semantics#scope-and-operation) of a request: its method and route template.
/// Without a template, as in a fallback, the concrete path takes its place.
pub(crate) struct Operation {
    method: Method,
    path: Path,
}

enum Path {
    Template(MatchedPath),
    Concrete(Box<str>),
}

impl Operation {
    pub(crate) fn of(request: &Request) -> Self {
        let template = request.extensions().get::<MatchedPath>().cloned();
        let path = template
            .map_or_else(|| Path::Concrete(original_uri(request).path().into()), Path::Template);
        Self { method: request.method().clone(), path }
    }

    /// The method, and the template or path.
    pub(crate) fn words(&self) -> [&str; 2] {
        let path = match &self.path {
            Path::Template(template) => template.as_str(),
            Path::Concrete(path) => path,
        };
        [self.method.as_str(), path]
    }
}

fn body_error(error: &axum::Error) -> BodyError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return BodyError::TooLarge;
        }
        cause = error.source();
    }
    BodyError::Broken(
        (StatusCode::BAD_REQUEST, "The request body could not be read").into_response(),
    )
}
