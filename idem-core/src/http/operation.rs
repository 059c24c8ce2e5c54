//! The operation of a request that a layer guards.

use std::borrow::Cow;

use crate::model::Policy;

/// The [operation](crate::rules::semantics#scope-and-operation) of a request that a layer guards: method and route, or a name.
#[derive(Debug)]
pub struct RequestOperation<'a> {
    /// `None` if the name is the whole operation.
    method: Option<&'a str>,
    name: Cow<'a, str>,
}

impl<'a> RequestOperation<'a> {
    /// The operation of a route, or of a concrete path.
    pub fn route(method: &'a str, path: impl Into<Cow<'a, str>>) -> Self {
        Self { method: Some(method), name: path.into() }
    }

    /// The operation with this name. `None` if the name is blank.
    pub fn named(name: Cow<'a, str>) -> Option<Self> {
        (!name.trim().is_empty()).then_some(Self { method: None, name })
    }

    /// The operation that the policy names, if it names one.
    pub fn of_policy(policy: &Policy) -> Option<Self> {
        policy.operation.and_then(|name| Self::named(name.into()))
    }

    /// Passes the words of the operation to `with`. They are hashed separately.
    pub fn words<R>(&self, with: impl FnOnce(&[&str]) -> R) -> R {
        match self.method {
            Some(method) => with(&[method, &self.name]),
            None => with(&[&self.name]),
        }
    }
}
