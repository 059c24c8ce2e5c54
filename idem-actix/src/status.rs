//! The endpoint for the status of a key.

use actix_web::http::header::HeaderValue;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Route, guard, web};
use idem_core::http::{ProvidesScope, Scope, scope_part, status_response};
use idem_core::records::Operation;
use serde::Deserialize;

use crate::{rejection, response, state};

/// Returns a route that answers "did my request go through?": what a retry with the key in the path would get. It runs
/// nothing. Mount it at a path with the parameter `{key}`:
///
/// ```
/// use actix_web::App;
/// # use actix_web::{FromRequest, HttpRequest, dev::Payload};
/// # use idem_actix::{ScopeParts, ScopeValue};
/// use idem_actix::{Operation, status_by_key};
/// # struct Tenant(String);
/// # impl ScopeValue for Tenant { fn write_parts(&self, parts: &mut ScopeParts) { parts.push(&self.0); } }
/// # impl FromRequest for Tenant {
/// #     type Error = actix_web::Error;
/// #     type Future = std::future::Ready<Result<Self, actix_web::Error>>;
/// #     fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
/// #         std::future::ready(Ok(Self(String::new())))
/// #     }
/// # }
///
/// let status = status_by_key::<Tenant, _>(Operation::route("POST", "/payments"));
/// let app = App::new().route("/payments/by-key/{key}", status);
/// ```
///
/// `T` is the extractor that the guarded handler names as its `scope`, such as `ReqData<Tenant>`, so the key of another tenant
/// is 404. `V` is always `_`: rustc infers whether the scope is the extractor itself or the value in it. The operation is
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
pub fn status_by_key<T, V>(operation: Operation<'static>) -> Route
where
    T: FromRequest + ProvidesScope<V> + 'static,
    V: 'static,
{
    let status = move |request: HttpRequest, scope: T| {
        let operation = operation.clone();
        async move { answer(&request, &operation, Scope::of(&scope_part(&scope))).await }
    };
    web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(status)
}

/// The parameter of the route.
#[derive(Deserialize)]
struct KeyInPath {
    key: String,
}

async fn answer(request: &HttpRequest, operation: &Operation<'_>, scope: Scope) -> HttpResponse {
    let Some(idempotency) = state::idempotency(request) else {
        return HttpResponse::InternalServerError().finish();
    };
    let Ok(KeyInPath { key }) = web::Path::extract(request).await.map(web::Path::into_inner) else {
        let path = request.uri().path();
        tracing::error!(path, "the route of `status_by_key` has no parameter `{{key}}`");
        return HttpResponse::InternalServerError().finish();
    };
    let prefer = request.headers().get_all("prefer").map(HeaderValue::as_bytes);
    match status_response(&idempotency, operation, scope, &key, prefer).await {
        Ok(stored) => response::replay(stored, idempotency.response_rules()),
        Err(refusal) => rejection::into_response(&idempotency, &refusal),
    }
}
