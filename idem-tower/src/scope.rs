//! The scope of the requests of a layer.

use http::request::Parts;
use idem_core::http::{FromExtension, FromHead, GlobalScope, Scope};
use idem_core::{Rejection, ScopeValue};

/// A source of the scope of a request. A layer without one does not compile.
#[diagnostic::on_unimplemented(
    message = "the layer has no scope, which separates the keys of its callers",
    label = "no scope",
    note = "add `.scope_from_extension::<Tenant>()` with the type that authentication puts into the request's extensions, or `.scope(|head| …)`",
    note = "if keys cannot be guessed, all callers can share them: `.global_scope()`"
)]
pub trait ScopeSource: Clone + Send + Sync + 'static {
    /// Returns the scope of a request with this head.
    ///
    /// # Errors
    /// The rejection of a request without a scope.
    fn scope(&self, head: &Parts) -> Result<Scope, Rejection>;
}

impl ScopeSource for GlobalScope {
    fn scope(&self, _: &Parts) -> Result<Scope, Rejection> {
        Ok(Scope::global())
    }
}

impl<T: ScopeValue + Send + Sync + 'static> ScopeSource for FromExtension<T> {
    fn scope(&self, head: &Parts) -> Result<Scope, Rejection> {
        Self::scope_of(head.extensions.get())
    }
}

impl<C, V> ScopeSource for FromHead<C>
where
    C: Fn(&Parts) -> V + Clone + Send + Sync + 'static,
    V: ScopeValue,
{
    fn scope(&self, head: &Parts) -> Result<Scope, Rejection> {
        Ok(Scope::of(&(self.0)(head)))
    }
}
