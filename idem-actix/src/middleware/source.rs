//! The sources of the scope and the operation of a request.

use std::borrow::Cow;

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use idem_core::http::{FromExtension, FromHead, FromRoute, GlobalScope, RequestOperation, Scope};
use idem_core::{Rejection, ScopeValue};

/// A source of the scope of a request. A middleware without one does not compile.
#[diagnostic::on_unimplemented(
    message = "the middleware has no scope, which separates the keys of its callers",
    label = "no scope",
    note = "add `.scope_from_extension::<Tenant>()` with the type that authentication puts into the request's extensions, or `.scope(|request| …)`",
    note = "if keys cannot be guessed, all callers can share them: `.global_scope()`"
)]
pub trait ScopeSource: Clone + 'static {
    /// Returns the scope of a request.
    ///
    /// # Errors
    /// The rejection of a request without a scope.
    fn scope(&self, request: &ServiceRequest) -> Result<Scope, Rejection>;
}

impl ScopeSource for GlobalScope {
    fn scope(&self, _: &ServiceRequest) -> Result<Scope, Rejection> {
        Ok(Scope::global())
    }
}

impl<T: ScopeValue + 'static> ScopeSource for FromExtension<T> {
    fn scope(&self, request: &ServiceRequest) -> Result<Scope, Rejection> {
        Self::scope_of(request.extensions().get())
    }
}

impl<C, V> ScopeSource for FromHead<C>
where
    C: Fn(&ServiceRequest) -> V + Clone + 'static,
    V: ScopeValue,
{
    fn scope(&self, request: &ServiceRequest) -> Result<Scope, Rejection> {
        Ok(Scope::of(&(self.0)(request)))
    }
}

/// A source of the operation of a request.
pub trait OperationSource: Clone + 'static {
    /// Returns the operation of a request. `None` if it has none.
    fn operation<'a>(&self, request: &'a ServiceRequest) -> Option<RequestOperation<'a>>;
}

impl OperationSource for FromRoute {
    fn operation<'a>(&self, request: &'a ServiceRequest) -> Option<RequestOperation<'a>> {
        let pattern = request.match_pattern()?;
        Some(RequestOperation::route(request.method().as_str(), pattern))
    }
}

impl<C> OperationSource for FromHead<C>
where
    C: Fn(&ServiceRequest) -> Cow<'_, str> + Clone + 'static,
{
    fn operation<'a>(&self, request: &'a ServiceRequest) -> Option<RequestOperation<'a>> {
        RequestOperation::named((self.0)(request))
    }
}
