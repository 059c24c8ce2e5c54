//! The operation of the requests of a layer, and what it takes from a framework.

use std::borrow::Cow;

use http::Uri;
use http::request::Parts;
use idem_core::http::{FromHead, FromRoute, RequestOperation};

/// The framework around a layer.
pub trait Framework: 'static {
    /// The URI of a request before routers removed a prefix.
    fn uri(head: &Parts) -> &Uri {
        &head.uri
    }
}

/// A framework that matches requests with the templates of routes.
#[diagnostic::on_unimplemented(
    message = "the layer has no operation, whose name separates the keys of its routes",
    label = "no operation",
    note = "no router is known to the layer; add `.operation(|head| …)`, which returns a name such as `\"POST /payments\".into()`",
    note = "below a router of axum, use `idem_axum::IdempotencyLayer`: it takes the operation from the route"
)]
pub trait RouteTemplate: Framework {
    /// The template of the route that a request has matched.
    fn template(head: &Parts) -> Option<&str>;
}

/// No framework: a layer around any tower service.
#[derive(Debug)]
pub enum NoFramework {}

impl Framework for NoFramework {}

/// A source of the operation of a request, below the framework `F`. A layer without one does not compile.
pub trait OperationSource<F>: Clone + Send + Sync + 'static {
    /// Returns the operation of a request with this head. `None` if it has none.
    fn operation<'a>(&self, head: &'a Parts) -> Option<RequestOperation<'a>>;
}

impl<F: RouteTemplate> OperationSource<F> for FromRoute {
    fn operation<'a>(&self, head: &'a Parts) -> Option<RequestOperation<'a>> {
        F::template(head).map(|template| RequestOperation::route(head.method.as_str(), template))
    }
}

impl<F, C> OperationSource<F> for FromHead<C>
where
    C: Fn(&Parts) -> Cow<'_, str> + Clone + Send + Sync + 'static,
{
    fn operation<'a>(&self, head: &'a Parts) -> Option<RequestOperation<'a>> {
        RequestOperation::named((self.0)(head))
    }
}
