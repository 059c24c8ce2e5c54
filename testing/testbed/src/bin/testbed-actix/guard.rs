//! The guard of the routes: the attribute or the middleware.

use actix_web::dev::ServiceRequest;
use actix_web::middleware::from_fn;
use actix_web::web::ServiceConfig;
use actix_web::{HttpMessage, Resource, Route};
use idem_actix::{Idempotency, IdempotencyMiddleware, Policy, ScopeValue};
use idem_testkit::app::{Caller, MAX_REQUEST};
use testbed::flags::Form;

use crate::layers::bounded;

/// The form of the guard.
#[derive(Clone)]
pub(crate) enum Guard {
    /// The annotated handlers guard themselves.
    Attribute,
    /// A middleware guards the plain handlers.
    Middleware(Idempotency),
}

/// A route in both forms: the annotated one, and the plain one with its policy.
pub(crate) type Forms = (Route, Route, &'static Policy);

impl Guard {
    pub(crate) fn new(form: Form, idempotency: &Idempotency) -> Self {
        match form {
            Form::Attribute => Self::Attribute,
            Form::Layer => Self::Middleware(idempotency.clone()),
        }
    }

    /// Whether the handlers need an expression over their arguments, which only the attribute has.
    pub(crate) const fn has_expressions(&self) -> bool {
        matches!(self, Self::Attribute)
    }

    /// Adds a resource with the annotated route, or with the plain one behind a middleware with the tenant as scope.
    pub(crate) fn tenant(&self, app: &mut ServiceConfig, resource: Resource, forms: Forms) {
        self.scoped(app, resource, forms, |caller| caller.tenant);
    }

    /// [`tenant`](Self::tenant) with the user as scope.
    pub(crate) fn user(&self, app: &mut ServiceConfig, resource: Resource, forms: Forms) {
        self.scoped(app, resource, forms, |caller| caller.user);
    }

    fn scoped<V: ScopeValue + 'static>(
        &self,
        app: &mut ServiceConfig,
        resource: Resource,
        (annotated, plain, policy): Forms,
        scope: fn(Caller) -> V,
    ) {
        match self.middleware(policy) {
            None => app.service(resource.route(annotated)),
            Some(middleware) => {
                let guard = middleware.scope(move |request| caller(request).map(scope));
                app.service(resource.route(plain).wrap(guard))
            }
        };
    }

    /// [`tenant`](Self::tenant) behind the request timeout.
    pub(crate) fn bounded(&self, app: &mut ServiceConfig, resource: Resource, forms: Forms) {
        let (annotated, plain, policy) = forms;
        match self.middleware(policy) {
            None => app.service(resource.route(annotated).wrap(from_fn(bounded))),
            Some(middleware) => {
                let tenant =
                    middleware.scope(|request| caller(request).map(|caller| caller.tenant));
                app.service(resource.route(plain).wrap(tenant).wrap(from_fn(bounded)))
            }
        };
    }

    fn middleware(&self, policy: &'static Policy) -> Option<IdempotencyMiddleware> {
        let Self::Middleware(idempotency) = self else { return None };
        Some(IdempotencyMiddleware::new(idempotency.clone(), policy).max_body(MAX_REQUEST))
    }
}

fn caller(request: &ServiceRequest) -> Option<Caller> {
    request.extensions().get().copied()
}
