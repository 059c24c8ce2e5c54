//! The health endpoint.

use axum::body::Body;
use axum::routing::{MethodRouter, get};
use idem_core::Idempotency;
use idem_core::http::health_response;

use crate::response::from_stored;

/// Returns a route for health checks, which reports the health of the store as `application/health+json`: 200 with `pass` or
/// `warn`, and 503 with `fail` if the store does not reply or the process is shutting down.
///
/// ```
/// use axum::Router;
/// use idem_axum::{Idempotency, MemoryStore};
///
/// let idempotency = Idempotency::new(MemoryStore::new());
/// let router: Router = Router::new().route("/health", idem_axum::health(idempotency));
/// ```
///
/// It replies within the [store timeout](crate::IdempotencyBuilder::store_timeout). Results are kept for 1 s, so frequent
/// checks do not load the store. The response names settings of the store, so do not expose it to the public.
///
/// [`Idempotency::health`] describes when it is a readiness check.
pub fn health<S: Clone + Send + Sync + 'static>(idempotency: Idempotency) -> MethodRouter<S> {
    get(async move || from_stored::<Body>(health_response(&idempotency.health().await)))
}
