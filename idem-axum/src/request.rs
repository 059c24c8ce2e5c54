//! The parts of an axum request that the engine reads. All else about requests is shared with the layer of `idem-tower`.

use std::mem::take;

use axum::RequestExt;
use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::http::{Extensions, Method, Uri};
use bytes::Bytes;
use futures_util::TryFutureExt;
use idem_core::http::RequestParts;
use idem_tower::__private as shared;
pub(crate) use idem_tower::__private::{BodyError, Echo, GuardedByLayer, echo, lines};

/// Takes the whole body out of a request, up to the route's limit (`DefaultBodyLimit`, or a layer).
///
/// Cancel safe: dropping the future drops the request's body.
pub(crate) fn buffer(
    request: &mut Request,
) -> impl Future<Output = Result<Bytes, BodyError>> + use<> {
    *request = take(request).with_limited_body();
    shared::buffer(take(request.body_mut()), usize::MAX).map_ok(|(body, _trailers)| body)
}

/// The request's URI before nested routers removed their prefixes.
pub(crate) fn original_uri<'a>(uri: &'a Uri, extensions: &'a Extensions) -> &'a Uri {
    extensions.get::<OriginalUri>().map_or(uri, |original| &original.0)
}

/// The parts of a request that make up its [fingerprint](idem_core::rules::semantics#fingerprint-input), with
/// the buffered body.
pub(crate) fn parts<'a>(request: &'a Request, body: &'a [u8]) -> RequestParts<'a> {
    let uri = original_uri(request.uri(), request.extensions());
    shared::parts(request.method(), uri, request.headers(), body)
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
        let concrete = || original_uri(request.uri(), request.extensions()).path().into();
        let path = template.map_or_else(|| Path::Concrete(concrete()), Path::Template);
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
