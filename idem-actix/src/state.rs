//! Access to the `Idempotency` of a guarded handler, through the app's data.

use actix_web::{HttpRequest, web};
use idem_core::Idempotency;

/// Returns the `Idempotency` of the app, scope or resource that the request was routed to. Without one, logs an
/// error and returns `None`; the handler must not run unguarded then.
pub(crate) fn idempotency(request: &HttpRequest) -> Option<Idempotency> {
    let data = request.app_data::<web::Data<Idempotency>>();
    if data.is_none() {
        tracing::error!(
            path = request.uri().path(),
            "no `Idempotency` for an idempotent handler; add `.app_data(web::Data::new(idempotency.clone()))` to the app"
        );
    }
    data.map(|data| Idempotency::clone(data))
}
