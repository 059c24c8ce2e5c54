//! How a guarded handler finds its `Idempotency`: in the app's data.

use actix_web::{HttpRequest, web};
use idem_core::Idempotency;

/// The handle of the app, scope or resource that the request was routed to. Without one nothing can be
/// guarded, and nothing must run unguarded.
pub(crate) fn idempotency(request: &HttpRequest) -> Option<Idempotency> {
    let data = request.app_data::<web::Data<Idempotency>>();
    if data.is_none() {
        tracing::error!(
            path = request.uri().path(),
            "an idempotent handler found no `Idempotency`: give the app one, by `.app_data(web::Data::new(idempotency.clone()))`"
        );
    }
    data.map(|data| Idempotency::clone(data))
}
