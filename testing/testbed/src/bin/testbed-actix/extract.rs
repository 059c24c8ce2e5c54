//! The body of `/json-any`, and the scope of the status endpoint.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::{ErrorBadRequest, ErrorUnauthorized};
use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use idem_actix::{ScopeParts, ScopeValue};
use idem_testkit::app::{self, Caller};
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

/// The tenant of the caller.
pub(crate) struct Tenant(app::Tenant);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        self.0.write_parts(parts);
    }
}

impl FromRequest for Tenant {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let caller = extensions.get::<Caller>().ok_or_else(|| ErrorUnauthorized("no caller"));
        ready(caller.map(|caller| Self(caller.tenant)))
    }
}
