//! The guard of the routes: the attribute or the layer.

use axum::http::request::Parts;
use axum::routing::MethodRouter;
use idem_axum::{Idempotency, IdempotencyLayer, Policy, ScopeValue};
use idem_testkit::app::{Caller, MAX_REQUEST};
use testbed::flags::Form;

use crate::App;

/// The form of the guard.
pub(crate) enum Guard {
    /// The annotated handlers guard themselves.
    Attribute,
    /// A layer guards the plain handlers.
    Layer(Idempotency),
}

impl Guard {
    pub(crate) fn new(form: Form, idempotency: &Idempotency) -> Self {
        match form {
            Form::Attribute => Self::Attribute,
            Form::Layer => Self::Layer(idempotency.clone()),
        }
    }

    /// Whether the handlers need an expression over their arguments, which only the attribute has.
    pub(crate) const fn has_expressions(&self) -> bool {
        matches!(self, Self::Attribute)
    }

    /// Returns the annotated route, or the plain one behind a layer with the tenant as scope.
    pub(crate) fn tenant(
        &self,
        annotated: MethodRouter<App>,
        plain: MethodRouter<App>,
        policy: &'static Policy,
    ) -> MethodRouter<App> {
        self.scoped(annotated, plain, policy, |caller| caller.tenant)
    }

    /// [`tenant`](Self::tenant) with the user as scope.
    pub(crate) fn user(
        &self,
        annotated: MethodRouter<App>,
        plain: MethodRouter<App>,
        policy: &'static Policy,
    ) -> MethodRouter<App> {
        self.scoped(annotated, plain, policy, |caller| caller.user)
    }

    fn scoped<V: ScopeValue + 'static>(
        &self,
        annotated: MethodRouter<App>,
        plain: MethodRouter<App>,
        policy: &'static Policy,
        scope: fn(Caller) -> V,
    ) -> MethodRouter<App> {
        let Self::Layer(idempotency) = self else { return annotated };
        let layer = IdempotencyLayer::new(idempotency.clone(), policy).max_body(MAX_REQUEST);
        plain.route_layer(layer.scope(move |head| caller(head).map(scope)))
    }
}

fn caller(head: &Parts) -> Option<Caller> {
    head.extensions.get().copied()
}
