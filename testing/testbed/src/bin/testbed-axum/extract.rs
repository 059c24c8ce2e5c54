//! The body of `/json-any`.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
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
