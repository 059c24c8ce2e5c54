//! The extractors of the scenario app: the tenant and the user that sent a request.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::{Error, FromRequest, HttpRequest};
use idem_actix::{ScopeParts, ScopeValue};
use idem_testkit::app::{self, Caller};

pub(crate) struct Tenant(pub(crate) app::Tenant);
pub(crate) struct User(pub(crate) app::User);

impl FromRequest for Tenant {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).map(|caller| Self(caller.tenant)))
    }
}

/// The scope of the status endpoint.
impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        self.0.write_parts(parts);
    }
}

impl FromRequest for User {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).map(|caller| Self(caller.user)))
    }
}

fn caller(request: &HttpRequest) -> Result<Caller, Error> {
    let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    Caller::of(request.method().as_str(), authorization).map_err(|status| {
        InternalError::new("not allowed", StatusCode::from_u16(status).unwrap()).into()
    })
}
