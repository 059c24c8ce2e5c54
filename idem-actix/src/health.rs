//! The health endpoint.

use actix_web::body::BoxBody;
use actix_web::{Route, guard, web};
use idem_core::Idempotency;
use idem_core::http::health_response;

use crate::response::from_stored;

/// Returns a route for health checks, which reports the health of the store as `application/health+json`: 200 with `pass` or
/// `warn`, and 503 with `fail` if the store does not reply or the process is shutting down.
///
/// ```
/// use actix_web::App;
/// use idem_actix::{Idempotency, MemoryStore};
///
/// let idempotency = Idempotency::new(MemoryStore::new());
/// let app = App::new().route("/health", idem_actix::health(idempotency));
/// ```
///
/// It replies within the [store timeout](crate::IdempotencyBuilder::store_timeout). Results are kept for 1 s, so frequent
/// checks do not load the store. The response names settings of the store, so do not expose it to the public.
///
/// [`Idempotency::health`] describes when it is a readiness check.
pub fn health(idempotency: Idempotency) -> Route {
    let check = move || {
        let idempotency = idempotency.clone();
        async move { from_stored::<BoxBody>(health_response(&idempotency.health().await)) }
    };
    web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(check)
}
