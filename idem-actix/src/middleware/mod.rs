//! The middleware, and its settings.

mod service;
mod source;

use std::borrow::Cow;
use std::future::{Ready, ready};
use std::rc::Rc;

use actix_service::{Service, Transform};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use idem_core::{Idempotency, Policy, ScopeValue};

pub use idem_core::http::{FromExtension, FromHead, FromRoute, GlobalScope, NoScope};
pub(crate) use service::GuardedByMiddleware;
pub use service::GuardedService;
pub use source::{OperationSource, ScopeSource};

use crate::body::GuardedBody;

/// A middleware that guards all routes of an app, a scope or a resource, without an attribute on their handlers: a proxy,
/// generated or third-party routes, or an API that adopts idem as a whole.
///
/// ```
/// use std::time::Duration;
///
/// use actix_web::web::{self, ServiceConfig};
/// use idem_actix::{Guarantee, Idempotency, IdempotencyMiddleware, Policy};
/// # use actix_web::body::MessageBody;
/// # use actix_web::dev::{ServiceRequest, ServiceResponse};
/// # use actix_web::middleware::{Next, from_fn};
/// # use actix_web::{Error, HttpResponse, Responder};
/// # use idem_actix::{ScopeParts, ScopeValue};
/// # struct Tenant(String);
/// # impl ScopeValue for Tenant { fn write_parts(&self, parts: &mut ScopeParts) { parts.push(&self.0); } }
/// # async fn forward() -> impl Responder { HttpResponse::Ok() }
/// # async fn authenticate(request: ServiceRequest, next: Next<impl MessageBody>)
/// #     -> Result<ServiceResponse<impl MessageBody>, Error> { next.call(request).await }
///
/// static FORWARD: Policy = Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce);
///
/// fn routes(app: &mut ServiceConfig, idempotency: &Idempotency) {
///     app.service(
///         web::scope("/proxy")
///             .wrap(
///                 IdempotencyMiddleware::new(idempotency.clone(), &FORWARD)
///                     .scope_from_extension::<Tenant>() // or .scope(|request| …), or .global_scope()
///                     .max_body(1 << 20),
///             )
///             .wrap(from_fn(authenticate)) // outside, so it runs first
///             .route("/{rest:.*}", web::to(forward)),
///     );
/// }
/// ```
///
/// * The operation is the method and the match pattern of the route, as with the attribute. A request that matches no route is
///   refused with 500, unless [`operation`](Self::operation) names it.
/// * Every response is stored, also a 400 of an extractor. A policy with [`with_releases`](Policy::with_releases) lets such
///   statuses free the key.
/// * An error that reaches the middleware is stored as its response. If a run panics or loses its key, the middleware returns
///   its own response as an error, because the request is gone.
/// * The body of the route is [`Unpin`], because it is read in place. It is not boxed.
///
/// [The guide](https://github.com/idem-rs/idem/blob/main/docs/guide/src/layer.md) compares the middleware with the attribute.
#[derive(Clone, Debug)]
pub struct IdempotencyMiddleware<S = NoScope, O = FromRoute> {
    idempotency: Idempotency,
    policy: &'static Policy,
    /// `None` applies the limit of the route.
    max_body: Option<usize>,
    scope: S,
    operation: O,
}

impl IdempotencyMiddleware {
    /// Returns a middleware that follows `policy`. Requests with a
    /// [safe method](idem_core::rules::semantics#safe-methods) pass through it.
    ///
    /// # Panics
    /// If the policy takes the key or the fingerprint from an argument of a handler, which a middleware does not have. If
    /// its durations contradict each other, or its lease is shorter than 100 ms.
    #[track_caller]
    pub fn new(idempotency: Idempotency, policy: &'static Policy) -> Self {
        policy.assert_for_layer();
        Self { idempotency, policy, max_body: None, scope: NoScope, operation: FromRoute }
    }
}

impl<O> IdempotencyMiddleware<NoScope, O> {
    /// Takes the scope from a value in the request's extensions, which authentication has put there. Without one, the request
    /// is refused with 500 and an error in the log: the middleware of authentication must be outside this one.
    pub fn scope_from_extension<T>(self) -> IdempotencyMiddleware<FromExtension<T>, O>
    where
        T: ScopeValue + 'static,
    {
        self.with_scope(FromExtension::new())
    }

    /// Takes the scope from a closure over the request. An empty value, such as `None`, is refused with 500.
    ///
    /// The value must come from authentication, never from a header that the client can choose: see
    /// [scope source](idem_core::rules::semantics#scope-source).
    pub fn scope<C, V>(self, scope: C) -> IdempotencyMiddleware<FromHead<C>, O>
    where
        C: Fn(&ServiceRequest) -> V + Clone + 'static,
        V: ScopeValue,
    {
        self.with_scope(FromHead(scope))
    }

    /// Shares one key space between all callers. Use it only if keys cannot be guessed.
    pub fn global_scope(self) -> IdempotencyMiddleware<GlobalScope, O> {
        self.with_scope(GlobalScope)
    }

    fn with_scope<S>(self, scope: S) -> IdempotencyMiddleware<S, O> {
        let Self { idempotency, policy, max_body, operation, .. } = self;
        IdempotencyMiddleware { idempotency, policy, max_body, scope, operation }
    }
}

impl<S, O> IdempotencyMiddleware<S, O> {
    /// Sets the largest request body, in bytes. The default is the limit of the route's
    /// [`PayloadConfig`](actix_web::web::PayloadConfig), 256 KiB without one. A larger body is refused with 413 before the
    /// handler runs; the limits of extractors apply as well.
    #[must_use]
    pub fn max_body(self, max_body: usize) -> Self {
        Self { max_body: Some(max_body), ..self }
    }

    /// Names the [operation](idem_core::rules::semantics#scope-and-operation) of a request by a closure, in place of the
    /// route. A name that the policy sets takes precedence.
    ///
    /// Return one name for each operation, without ids: the concrete path is part of the fingerprint anyway.
    pub fn operation<C>(self, operation: C) -> IdempotencyMiddleware<S, FromHead<C>>
    where
        C: Fn(&ServiceRequest) -> Cow<'_, str> + Clone + 'static,
    {
        let Self { idempotency, policy, max_body, scope, .. } = self;
        IdempotencyMiddleware {
            idempotency,
            policy,
            max_body,
            scope,
            operation: FromHead(operation),
        }
    }
}

impl<S, O, I, B> Transform<I, ServiceRequest> for IdempotencyMiddleware<S, O>
where
    S: ScopeSource,
    O: OperationSource,
    I: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    I::Future: 'static,
    B: MessageBody + Unpin + 'static,
{
    type Response = ServiceResponse<GuardedBody<B>>;
    type Error = Error;
    type InitError = ();
    type Transform = GuardedService<I, S, O>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: I) -> Self::Future {
        ready(Ok(GuardedService { inner: Rc::new(inner), middleware: self.clone() }))
    }
}
