//! The layer below a router of axum.

use axum::extract::MatchedPath;
use axum::http::Uri;
use axum::http::request::Parts;
use idem_tower::{Framework, FromRoute, GuardLayer, NoScope, RouteTemplate};

use crate::request::original_uri;

/// A layer that guards all routes of a router, without an attribute on their handlers: a proxy, a generated or third-party
/// router, or an API that adopts idem as a whole.
///
/// ```
/// use std::time::Duration;
///
/// use axum::Router;
/// use axum::http::StatusCode;
/// use axum::routing::any;
/// use idem_axum::{Guarantee, Idempotency, IdempotencyLayer, MemoryStore, Policy};
/// # use axum::extract::Request;
/// # use axum::middleware::{Next, from_fn};
/// # use axum::response::Response;
/// # use idem_axum::{ScopeParts, ScopeValue};
/// # #[derive(Clone)] struct Tenant(String);
/// # impl ScopeValue for Tenant { fn write_parts(&self, parts: &mut ScopeParts) { parts.push(&self.0); } }
/// # async fn forward() -> StatusCode { StatusCode::OK }
/// # async fn authenticate(request: Request, next: Next) -> Response { next.run(request).await }
///
/// static FORWARD: Policy = Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce);
///
/// let idempotency = Idempotency::new(MemoryStore::new());
/// let guarded: Router = Router::new()
///     .route("/proxy/{*rest}", any(forward))
///     .route_layer(
///         IdempotencyLayer::new(idempotency.clone(), &FORWARD)
///             .scope_from_extension::<Tenant>() // or .scope(|head| …), or .global_scope()
///             .max_body(1 << 20),
///     )
///     .route_layer(from_fn(authenticate)); // outside, so it runs first
/// ```
///
/// The operation is the method and the template of the route, as with the attribute. Use
/// [`route_layer`](axum::Router::route_layer): [`layer`](axum::Router::layer) also wraps the fallback, which has no template
/// and is refused with 500, unless [`operation`](GuardLayer::operation) names it.
///
/// The limit of a request body is [`max_body`](GuardLayer::max_body) alone. A larger `DefaultBodyLimit` has no effect in front
/// of the layer.
///
/// [The guide](https://github.com/idem-rs/idem/blob/main/docs/guide/src/layer.md) compares the layer with the attribute. The
/// crate [`idem_tower`] describes its rules, and has the layer for services without axum.
pub type IdempotencyLayer<S = NoScope, O = FromRoute> = GuardLayer<BelowAxum, S, O>;

/// The framework of an [`IdempotencyLayer`].
#[derive(Debug)]
pub enum BelowAxum {}

impl Framework for BelowAxum {
    fn uri(head: &Parts) -> &Uri {
        original_uri(&head.uri, &head.extensions)
    }
}

impl RouteTemplate for BelowAxum {
    fn template(head: &Parts) -> Option<&str> {
        head.extensions.get::<MatchedPath>().map(MatchedPath::as_str)
    }
}
