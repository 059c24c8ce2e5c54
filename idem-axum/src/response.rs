//! Bodies of axum responses. All else about responses is shared with the layer of `idem-tower`.

use axum::body::Body;
use axum::response::Response;
use idem_core::http::{Executed, ResponseRules};
use idem_tower::__private as shared;
pub(crate) use idem_tower::__private::{echoed, from_stored, into_response, unmarked};

/// Reads a handler's response: returns the response for the client, and the completion for the record.
pub(crate) fn record(
    response: Response,
    rules: &ResponseRules,
) -> impl Future<Output = Executed<Response>> + use<> {
    shared::record(response, rules, |body| body.into_body(Body::new))
}
