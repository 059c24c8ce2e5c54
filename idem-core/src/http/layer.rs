//! The settings of a layer that are the same for every framework. The adapters read a request with them.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use crate::model::{Rejection, ScopeValue};

use super::Scope;

/// The state of a layer whose scope is not set.
#[derive(Clone, Copy, Debug)]
pub struct NoScope;

/// The scope that all callers share.
#[derive(Clone, Copy, Debug)]
pub struct GlobalScope;

/// The operation is the method and the template of the route.
#[derive(Clone, Copy, Debug)]
pub struct FromRoute;

/// The value of a closure over the head of the request, as the scope or the operation.
#[derive(Clone, Copy)]
pub struct FromHead<C>(pub C);

impl<C> fmt::Debug for FromHead<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromHead")
    }
}

/// The scope is a `T` in the request's extensions.
pub struct FromExtension<T>(PhantomData<fn() -> T>);

impl<T> FromExtension<T> {
    /// Returns the source of the scope.
    #[expect(clippy::new_without_default, reason = "no default: a scope is chosen")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: ScopeValue> FromExtension<T> {
    /// Returns the scope of `value`, which the extensions contain.
    ///
    /// # Errors
    /// [`Rejection::ScopeMissing`] without a value.
    pub fn scope_of(value: Option<&T>) -> Result<Scope, Rejection> {
        value.map(Scope::of).ok_or(Rejection::ScopeMissing(type_name::<T>()))
    }
}

impl<T> Clone for FromExtension<T> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for FromExtension<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FromExtension<{}>", type_name::<T>())
    }
}
