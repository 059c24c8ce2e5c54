//! The layer, and its settings.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use http::request::Parts;
use idem_core::http::{FromExtension, FromHead, FromRoute, GlobalScope, NoScope};
use idem_core::{Idempotency, Policy, ScopeValue};
use tower_layer::Layer;

use crate::operation::OperationSource;
use crate::scope::ScopeSource;
use crate::service::IdempotencyService;

/// The default limit of a request body, in bytes. It is the default of axum.
const DEFAULT_MAX_BODY: usize = 2 << 20;

/// A layer that makes the service inside it run once per key: below the framework `F`, with the scope of `S` and the
/// operation of `O`.
///
/// `IdempotencyLayer` is its name below a framework. It is a [`Layer`] once it has a scope and an operation.
pub struct GuardLayer<F, S, O> {
    pub(crate) idempotency: Idempotency,
    pub(crate) policy: &'static Policy,
    pub(crate) max_body: usize,
    pub(crate) scope: S,
    pub(crate) operation: O,
    framework: PhantomData<fn() -> F>,
}

impl<F> GuardLayer<F, NoScope, FromRoute> {
    /// Returns a layer that follows `policy`. Requests with a [safe method](idem_core::rules::semantics#safe-methods) pass
    /// through it.
    ///
    /// # Panics
    /// If the policy takes the key or the fingerprint from an argument of a handler, which a layer does not have. If its
    /// durations contradict each other, or its lease is shorter than 100 ms.
    #[track_caller]
    pub fn new(idempotency: Idempotency, policy: &'static Policy) -> Self {
        policy.assert_for_layer();
        Self {
            idempotency,
            policy,
            max_body: DEFAULT_MAX_BODY,
            scope: NoScope,
            operation: FromRoute,
            framework: PhantomData,
        }
    }
}

impl<F, O> GuardLayer<F, NoScope, O> {
    /// Takes the scope from a value in the request's extensions, which authentication has put there. Without one, the request
    /// is refused with 500 and an error in the log: the layer of authentication must be outside this one.
    pub fn scope_from_extension<T>(self) -> GuardLayer<F, FromExtension<T>, O>
    where
        T: ScopeValue + Send + Sync + 'static,
    {
        self.with_scope(FromExtension::new())
    }

    /// Takes the scope from a closure over the head of the request. An empty value, such as `None`, is refused with 500.
    ///
    /// The value must come from authentication, never from a header that the client can choose: see
    /// [scope source](idem_core::rules::semantics#scope-source).
    pub fn scope<C, V>(self, scope: C) -> GuardLayer<F, FromHead<C>, O>
    where
        C: Fn(&Parts) -> V + Clone + Send + Sync + 'static,
        V: ScopeValue,
    {
        self.with_scope(FromHead(scope))
    }

    /// Shares one key space between all callers. Use it only if keys cannot be guessed.
    pub fn global_scope(self) -> GuardLayer<F, GlobalScope, O> {
        self.with_scope(GlobalScope)
    }

    fn with_scope<S>(self, scope: S) -> GuardLayer<F, S, O> {
        let Self { idempotency, policy, max_body, operation, framework, .. } = self;
        GuardLayer { idempotency, policy, max_body, scope, operation, framework }
    }
}

impl<F, S, O> GuardLayer<F, S, O> {
    /// Sets the largest request body, in bytes. The default is 2 MiB. A larger body is refused with 413 before the service
    /// inside runs; its own limits apply as well.
    #[must_use]
    pub fn max_body(self, max_body: usize) -> Self {
        Self { max_body, ..self }
    }

    /// Names the [operation](idem_core::rules::semantics#scope-and-operation) of a request by a closure over its head, in
    /// place of the route. A name that the policy sets takes precedence.
    ///
    /// Return one name for each operation, without ids: the concrete path is part of the fingerprint anyway.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use idem_core::{Guarantee, Idempotency, MemoryStore, Policy};
    /// # static POLICY: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);
    /// # let idempotency = Idempotency::new(MemoryStore::new());
    /// let layer = idem_tower::IdempotencyLayer::new(idempotency, &POLICY)
    ///     .operation(|head| format!("{} upstream", head.method).into());
    /// ```
    pub fn operation<C>(self, operation: C) -> GuardLayer<F, S, FromHead<C>>
    where
        C: Fn(&Parts) -> Cow<'_, str> + Clone + Send + Sync + 'static,
    {
        let Self { idempotency, policy, max_body, scope, framework, .. } = self;
        GuardLayer {
            idempotency,
            policy,
            max_body,
            scope,
            operation: FromHead(operation),
            framework,
        }
    }
}

impl<F, S: Clone, O: Clone> Clone for GuardLayer<F, S, O> {
    fn clone(&self) -> Self {
        Self {
            idempotency: self.idempotency.clone(),
            policy: self.policy,
            max_body: self.max_body,
            scope: self.scope.clone(),
            operation: self.operation.clone(),
            framework: PhantomData,
        }
    }
}

impl<F, S: fmt::Debug, O: fmt::Debug> fmt::Debug for GuardLayer<F, S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardLayer")
            .field("policy", self.policy)
            .field("max_body", &self.max_body)
            .field("scope", &self.scope)
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl<F, S: ScopeSource, O: OperationSource<F>, I> Layer<I> for GuardLayer<F, S, O> {
    type Service = IdempotencyService<I, F, S, O>;

    fn layer(&self, inner: I) -> Self::Service {
        IdempotencyService { inner, layer: self.clone() }
    }
}
