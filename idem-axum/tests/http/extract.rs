//! The extractors of the scenario app: the tenant and the user that sent a request.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderValue};
use axum::http::request::Parts;
use idem_axum::{ScopeParts, ScopeValue};
use idem_testkit::app::{self, Caller};

pub(crate) struct Tenant(pub(crate) app::Tenant);
pub(crate) struct User(pub(crate) app::User);

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        caller(parts).map(|caller| Self(caller.tenant))
    }
}

/// The scope of the status endpoint.
impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        self.0.write_parts(parts);
    }
}

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        caller(parts).map(|caller| Self(caller.user))
    }
}

fn caller(parts: &Parts) -> Result<Caller, StatusCode> {
    let authorization = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    Caller::of(parts.method.as_str(), authorization)
        .map_err(|status| StatusCode::from_u16(status).unwrap())
}
