//! Converts a reply into an axum response.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use idem_testkit::http::app::ReplyBody;
use testbed::reply::Reply;

pub(crate) struct Replied(pub(crate) Reply);

impl IntoResponse for Replied {
    fn into_response(self) -> Response {
        let body = match self.0.body() {
            ReplyBody::Whole(body) => Body::from(body),
            ReplyBody::Stream(pieces) => Body::from_stream(pieces),
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.0.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
