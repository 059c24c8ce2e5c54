//! The endpoint for the status of a key.

use std::marker::PhantomData;
use std::pin::Pin;

use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use idem_core::Idempotency;
use idem_core::http::{ProvidesScope, Scope, Served, scope_part, status_response};
use idem_core::records::Operation;

use crate::response;
use crate::state::ProvidesIdempotency;

/// Returns a handler that answers "did my request go through?": what a retry with the key in the path would get. It runs
/// nothing. Mount it with `get` at a route with the parameter `{key}`:
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// # use axum::extract::FromRequestParts;
/// # use axum::http::request::Parts;
/// # use idem_axum::{Idempotency, ScopeParts, ScopeValue};
/// use idem_axum::{Operation, status_by_key};
/// # #[derive(Clone)] struct Tenant(String);
/// # impl ScopeValue for Tenant { fn write_parts(&self, parts: &mut ScopeParts) { parts.push(&self.0); } }
/// # impl<S: Sync> FromRequestParts<S> for Tenant {
/// #     type Rejection = ();
/// #     async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, ()> { Ok(Self(String::new())) }
/// # }
///
/// let status = status_by_key::<Tenant>(Operation::route("POST", "/payments"));
/// let router: Router<Idempotency> = Router::new().route("/payments/by-key/{key}", get(status));
/// ```
///
/// `T` is the extractor that the guarded handler names as its `scope`, such as `Extension<Tenant>`, so the key of another tenant is 404. The operation is
/// that of the guarded handler: its method and its whole route, or the name in its `operation`.
///
/// | Record | Response |
/// |---|---|
/// | completed | the stored response, with the replay marker and `Cache-Control: no-store` |
/// | running | 409 `in-progress`; with `Prefer: wait=10` after up to 10 s, at most 30 |
/// | unknown, or not retained | 409 `outcome-unknown` or `result-unavailable` |
/// | none | 404 `key-unknown` |
///
/// A handler with a `Tx` is the exception: until its transaction ends, its key reads as absent. Do not start the operation
/// under a new key; retry with the same key.
///
/// The key in the path is the key itself, percent-encoded and without the quotes of the header. The key is part of the URL.
/// Exclude this route from access logs, or use keys that are worthless without authentication.
pub fn status_by_key<T>(operation: Operation<'static>) -> StatusByKey<T> {
    StatusByKey { operation, scope: PhantomData }
}

/// The handler that [`status_by_key`] returns.
#[derive(Debug)]
pub struct StatusByKey<T> {
    operation: Operation<'static>,
    scope: PhantomData<fn() -> T>,
}

impl<T> Clone for StatusByKey<T> {
    fn clone(&self) -> Self {
        Self { operation: self.operation.clone(), scope: PhantomData }
    }
}

/// `P` and `V` are the places of the `Idempotency` and of the scope, which rustc infers.
impl<T, S, P, V> Handler<(P, V), S> for StatusByKey<T>
where
    S: ProvidesIdempotency<P>,
    T: FromRequestParts<S> + ProvidesScope<V> + Send + 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, state: S) -> Self::Future {
        Box::pin(async move {
            let (mut parts, _) = request.into_parts();
            let scope = match T::from_request_parts(&mut parts, &state).await {
                Ok(scope) => Scope::of(&scope_part(&scope)),
                Err(rejection) => return rejection.into_response(),
            };
            answer(&state.idempotency(), &self.operation, scope, parts).await
        })
    }
}

async fn answer(
    idempotency: &Idempotency,
    operation: &Operation<'_>,
    scope: Scope,
    mut parts: Parts,
) -> Response {
    let params = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(params) => params,
        Err(rejection) => return rejection.into_response(),
    };
    let Some((_, key)) = params.iter().find(|(name, _)| *name == "key") else {
        tracing::error!(
            path = parts.uri.path(),
            "the route of `status_by_key` has no parameter `{{key}}`"
        );
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let prefer = parts.headers.get_all("prefer").into_iter().map(HeaderValue::as_bytes);
    let found = status_response(idempotency, operation, scope, key, prefer).await;
    response::into_response(idempotency, found.map(Served::Replayed))
}
