//! Conversion into an axum response.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{Reply, ReplyBody};

/// A reply as an axum response.
#[derive(Debug)]
pub struct HandlerReply(pub Reply);

impl IntoResponse for HandlerReply {
    /// # Panics
    /// If the name of a header is invalid, as a script can request.
    fn into_response(self) -> Response {
        let body = match self.0.body() {
            ReplyBody::Whole(body) => Body::from(body),
            ReplyBody::Stream(chunks) => Body::from_stream(chunks),
        };
        let Reply { status, headers, declared, pass_through, .. } = self.0;
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in headers {
            let name = HeaderName::try_from(name).expect("a header name");
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().append(name, value);
            }
        }
        if let Some(outcome) = declared {
            response.extensions_mut().insert(outcome);
        }
        if let Some(pass_through) = pass_through {
            response.extensions_mut().insert(pass_through);
        }
        response
    }
}
