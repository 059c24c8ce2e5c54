//! What of an axum request the engine must know.

use std::error::Error;

use axum::RequestExt;
use axum::body::Body;
use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError};
use idem_core::RequestParts;

/// What identifies a request, captured before the extractors consume it.
pub(crate) struct Captured {
    method: Method,
    uri: Uri,
    template: Option<MatchedPath>,
    content_type: Option<HeaderValue>,
    body: Bytes,
}

/// Why a request could not be captured.
pub(crate) enum CaptureError {
    /// Its body is over the route's limit.
    TooLarge,
    /// Its body did not arrive.
    Broken(Response),
}

/// Captures a request and buffers its body, under the route's own limit (`DefaultBodyLimit`, or a layer's).
pub(crate) async fn capture(request: Request) -> Result<(Captured, Request), CaptureError> {
    let (parts, body) = request.with_limited_body().into_parts();
    let body = body.collect().await.map_err(|error| capture_error(&error))?.to_bytes();
    let captured = Captured {
        method: parts.method.clone(),
        uri: parts
            .extensions
            .get::<OriginalUri>()
            .map_or_else(|| parts.uri.clone(), |original| original.0.clone()),
        template: parts.extensions.get::<MatchedPath>().cloned(),
        content_type: parts.headers.get(CONTENT_TYPE).cloned(),
        body: body.clone(),
    };
    Ok((captured, Request::from_parts(parts, Body::from(body))))
}

fn capture_error(error: &axum::Error) -> CaptureError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return CaptureError::TooLarge;
        }
        cause = error.source();
    }
    CaptureError::Broken(
        (StatusCode::BAD_REQUEST, "The request body could not be read").into_response(),
    )
}

impl Captured {
    /// Method and route template; the concrete path where there is no template, as in a fallback (R14).
    pub(crate) fn operation(&self) -> [&str; 2] {
        let path = self.template.as_ref().map_or_else(|| self.uri.path(), MatchedPath::as_str);
        [self.method.as_str(), path]
    }

    pub(crate) fn parts(&self) -> RequestParts<'_> {
        RequestParts {
            method: self.method.as_str(),
            path: self.uri.path(),
            query: self.uri.query(),
            content_type: self.content_type.as_ref().map(HeaderValue::as_bytes),
            body: &self.body,
        }
    }
}
