//! Conversion of a handler's reply to an axum response.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use idem_testkit::http::app::{Reply, ReplyBody};

/// The reply that a scenario asks its handler for.
pub(crate) struct HandlerReply(pub(crate) Reply);

impl IntoResponse for HandlerReply {
    fn into_response(self) -> Response {
        let Reply { status, headers, body, declared } = self.0;
        let mut response = Response::new(match body {
            ReplyBody::Whole(bytes) => Body::from(bytes),
            ReplyBody::Stream(stream) => Body::from_stream(stream),
        });
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            let name = HeaderName::try_from(name).unwrap();
            response.headers_mut().append(name, HeaderValue::try_from(value).unwrap());
        }
        if let Some(outcome) = declared {
            response.extensions_mut().insert(outcome);
        }
        response
    }
}
