//! The body of `/json-any`.

use actix_web::dev::Payload;
use actix_web::error::ErrorBadRequest;
use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpRequest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::de::IgnoredAny;

/// Any JSON value or an empty body.
pub(crate) struct AnyJson;

impl FromRequest for AnyJson {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Bytes::from_request(request, payload);
        async move {
            let body = body.await?;
            if body.is_empty() || serde_json::from_slice::<IgnoredAny>(&body).is_ok() {
                Ok(Self)
            } else {
                Err(ErrorBadRequest("the body is not JSON"))
            }
        }
        .boxed_local()
    }
}
