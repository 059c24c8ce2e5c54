//! A reply as an axum response.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use testbed::reply::Reply;

pub(crate) struct Replied(pub(crate) Reply);

impl IntoResponse for Replied {
    fn into_response(self) -> Response {
        let body = match self.0.chunks {
            None => Body::from(self.0.body.clone()),
            Some(_) => Body::from_stream(stream::iter(
                self.0.pieces().into_iter().map(Ok::<_, Infallible>),
            )),
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
