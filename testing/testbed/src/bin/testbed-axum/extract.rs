//! The body of `/json-any`, and the scope of the status endpoint.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use idem_axum::{ScopeParts, ScopeValue};
use idem_testkit::app::{self, Caller};
use serde::de::IgnoredAny;

/// Any JSON value or an empty body.
pub(crate) struct AnyJson;

impl<S: Send + Sync> FromRequest<S> for AnyJson {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body =
            Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        if body.is_empty() || serde_json::from_slice::<IgnoredAny>(&body).is_ok() {
            Ok(Self)
        } else {
            Err((StatusCode::BAD_REQUEST, "the body is not JSON").into_response())
        }
    }
}

/// The tenant of the caller.
pub(crate) struct Tenant(app::Tenant);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        self.0.write_parts(parts);
    }
}

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let caller = parts.extensions.get::<Caller>().ok_or(StatusCode::UNAUTHORIZED)?;
        Ok(Self(caller.tenant))
    }
}
